"""QR codes as pictures, for the text that a customer scans: error correction M and four modules of quiet zone."""

from __future__ import annotations

from io import BytesIO
from typing import Any, Final

import segno

_BORDER: Final = 4
"""Modules around the code: fewer, and a reader may not find it (ISO/IEC 18004)."""


def png(text: str, *, scale: int = 8) -> bytes:
    """A black and white PNG, `scale` pixels to a module; whoever takes the scale from outside bounds it.

    Raises ValueError for no text, for more than a QR code holds (2331 bytes), and for a scale below 1.
    """
    return _drawn(text, "png", scale=scale)


def svg(text: str) -> bytes:
    """An SVG document, UTF-8, that takes the size of its place, white where it is not black. Raises as `png`."""
    return _drawn(text, "svg", light="#fff", omitsize=True)


def _drawn(text: str, kind: str, **how: Any) -> bytes:
    if not text:
        raise ValueError("a QR code holds some text")
    picture = BytesIO()
    # Left to itself the library takes a better level than M where there is room.
    segno.make_qr(text, error="m", boost_error=False).save(picture, kind=kind, border=_BORDER, **how)
    return picture.getvalue()
