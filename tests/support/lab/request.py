"""One request to try a transcoder with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from tests.support.lab.servant import Refused

JSON_TYPE: Final = {"content-type": "application/json"}


@dataclass(frozen=True)
class Request:
    """A request to one of the lab's services, and what the servant is told to refuse it with."""

    name: str
    service: str
    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    refusal: Refused | None = None


def typed(content_type: str) -> dict[str, str]:
    """The header that says so."""
    return {"content-type": content_type}
