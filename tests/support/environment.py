"""The one place where the tests read the machine's environment, so that nothing of the developer's leaks into a run."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_KEPT = ("PATH", "HOME", "TMPDIR", "LANG", "VIRTUAL_ENV")
_OURS = "ACERTO_"
_FOR_TESTS = "ACERTO_TEST_"


def given(name: str) -> str | None:
    """The value of a variable that tells the tests which service to use; None when unset or empty."""
    return os.environ.get(name) or None


def forget_settings() -> None:
    """Take every ACERTO_ setting out of this process, but those that tell the tests which services to use."""
    for name in [*os.environ]:
        if name.startswith(_OURS) and not name.startswith(_FOR_TESTS):
            del os.environ[name]


def forks_become_programs() -> None:
    """Tell gRPC, before it is imported, that no forked Python goes on: its handlers were seen to end such a child."""
    os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "false"


def clean_env() -> dict[str, str]:
    """The environment for programs that tests start: what Python and its children need, no setting of anybody's."""
    kept = {name: value for name in _KEPT if (value := given(name))}
    return kept | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'generated'}", "PYTHONUNBUFFERED": "1"}
