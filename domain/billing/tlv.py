"""The form of a BR Code: two-digit tag, two-digit length, value; and the checksum that ends it (billing.md E)."""

from __future__ import annotations

from binascii import crc_hqx
from collections.abc import Iterable
from typing import Final

MOST: Final = 99
"""The longest value, in bytes: its length has two digits."""

_END: Final = "6304"
"""Tag and length of the checksum, which counts them too."""
_DIGITS: Final = 4


def checksum(text: str) -> str:
    """CRC-16/CCITT-FALSE of ASCII text as four upper-case hex digits. Raises ValueError for anything else."""
    return f"{crc_hqx(text.encode('ascii'), 0xFFFF):0{_DIGITS}X}"


def sealed(text: str) -> str:
    """The text with its checksum at the end."""
    return f"{text}{_END}{checksum(text + _END)}"


def unsealed(text: str) -> str:
    """The text without its checksum. Raises ValueError when it is not ASCII, not sealed, or sealed for other text."""
    if not text.isascii():
        raise ValueError("a PIX code has ASCII characters only")
    body, said = text[:-_DIGITS], text[-_DIGITS:]
    if not body.endswith(_END):
        raise ValueError(f"a PIX code ends with its checksum: {_END} and four hex digits")
    if said != checksum(body):
        raise ValueError(f"the checksum is {said} and must be {checksum(body)}")
    return body.removesuffix(_END)


def written(fields: Iterable[tuple[str, str]]) -> str:
    """The fields, ASCII, one after the other; an empty value is left out. Raises ValueError for one beyond MOST."""
    return "".join(_field(tag, value) for tag, value in fields if value)


def read(text: str, where: str = "") -> dict[str, str]:
    """The value of each tag, in the order written; `where` is the tag of the field that `text` came out of.

    Raises ValueError naming the tag: no two digits, a length beyond the end, the same tag twice.
    """
    found: dict[str, str] = {}
    while text:
        tag, length = text[:2], text[2:4]
        if not (len(length) == 2 and f"{tag}{length}".isdigit()):
            raise ValueError(f"{where}{tag}: a field starts with two digits of tag and two of length")
        value, text = text[4 : 4 + int(length)], text[4 + int(length) :]
        if len(value) < int(length):
            raise ValueError(f"{where}{tag} says {length} bytes and {len(value)} are left")
        if tag in found:
            raise ValueError(f"{where}{tag} is there twice")
        found[tag] = value
    return found


def _field(tag: str, value: str) -> str:
    if len(value) > MOST:
        raise ValueError(f"{tag} takes at most {MOST} bytes, not {len(value)}")
    return f"{tag}{len(value):02d}{value}"
