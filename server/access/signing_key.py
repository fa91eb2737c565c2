"""The key that signs what we hand out and take back. Development makes one for itself and keeps it."""

from __future__ import annotations

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

from pydantic import SecretStr


def signing_key(given: SecretStr | None, folder: Path) -> bytes:
    """The key that was set, else the one kept in `folder/signing.key`, made (mode 0600) when it is not there yet."""
    if given is not None:
        return given.get_secret_value().encode()
    path = folder / "signing.key"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _make(path)
    return path.read_bytes()


def _make(path: Path) -> None:
    """Put a whole key there, or leave the one that another process put there first."""
    descriptor, draft = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_urlsafe(48).encode())
        with suppress(FileExistsError):
            path.hardlink_to(draft)
    finally:
        Path(draft).unlink()
