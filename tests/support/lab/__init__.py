"""The lab: contracts of every shape a transcoder must know, played by one scripted servant behind any door.

`lab.proto` is compiled when it is first asked for; no generated code of it is kept.
"""

from __future__ import annotations

from tests.support.lab.contract import image, message, service, services
from tests.support.lab.door import doors
from tests.support.lab.servant import Refused, Servant
from tests.support.lab.upstream import Upstream

__all__ = ["Refused", "Servant", "Upstream", "doors", "image", "message", "service", "services"]
