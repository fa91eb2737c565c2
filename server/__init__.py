"""The doors and the composition root: gRPC, HTTP, settings, signals, and the wiring that joins the rooms.

The room's rule: only `wiring` (and the entry and commands above it) sees persistence and messaging; what serves
requests knows the domain and the contracts, and reaches everything else through ports that it is given.
"""

import sys
from pathlib import Path

# `python -m server` works from the root as it is; where generated/ is on the path already, nothing changes.
_GENERATED = str(Path(__file__).parents[1] / "generated")
if _GENERATED not in sys.path:
    sys.path.append(_GENERATED)
