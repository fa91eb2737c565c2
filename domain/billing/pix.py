"""The PIX code (BR Code, EMV MPM) that a customer scans or pastes: what it holds, how it is written and read.

Case is kept as it is read; whoever makes a code spells names with `plain`, as the manual wants them (billing.md E).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final
from unicodedata import normalize
from uuid import UUID

from domain.billing import tlv
from domain.money import BRL, Money

NAME_MOST: Final = 25
"""The longest merchant name, in bytes."""
CITY_MOST: Final = 15
"""The longest city, in bytes."""
KEY_MOST: Final = 77
"""The longest key or url, in bytes: with the arrangement's name they fill their field."""
AMOUNT_MOST: Final = Money(999_999_999_999)
"""The largest amount: 13 characters."""

_ARRANGEMENT: Final = "br.gov.bcb.pix"
_ACCOUNTS: Final = tuple(str(tag) for tag in range(26, 52))
"""Where EMV lets an arrangement stand. We write the first."""
_NONE: Final = "***"
"""What stands for no txid, or for one that only the PSP's payload tells."""
_BASE62: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_PRINTABLE = re.compile(r"[ -~]*[!-~][ -~]*")
_URL = re.compile(r"[A-Za-z0-9.-]+(:[0-9]+)?/[!-~]+")
_AMOUNT = re.compile(r"[0-9.]{1,13}")
_TXID = re.compile(r"[A-Za-z0-9]{1,25}")
_CEP = re.compile(r"[0-9]{5}-?[0-9]{3}")


class KeyKind(Enum):
    """What a PIX key is. An EVP is random; a CNPJ has letters too since July 2026 (IN RFB 2.229/2024)."""

    CPF = "CPF"
    CNPJ = "CNPJ"
    PHONE = "PHONE"
    EMAIL = "EMAIL"
    EVP = "EVP"


_KEYS: Final = {
    KeyKind.CPF: re.compile(r"[0-9]{11}"),
    KeyKind.CNPJ: re.compile(r"[0-9A-Z]{12}[0-9]{2}"),
    KeyKind.PHONE: re.compile(r"\+55[1-9]{2}[0-9]{8,9}"),
    KeyKind.EMAIL: re.compile(r"[!-?A-~]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+"),
    KeyKind.EVP: re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"),
}


class Initiation(Enum):
    """How often a code may be paid, where it says so."""

    REUSABLE = "11"
    SINGLE_USE = "12"


@dataclass(frozen=True, slots=True, kw_only=True)
class PixCode:
    """What a code says: static by `key`, or dynamic by `url`, which has no scheme; exactly one of the two.

    All text is printable ASCII; `name`, `city` and the account (key or url, with the description) have limits in
    bytes, and too long is refused: `plain` cuts. A static code without an amount lets the payer choose, and an empty
    `txid` is written as `***`. A dynamic code has neither: they are in the PSP's payload, and readers ignore them
    here. Raises ValueError naming the field.
    """

    name: str
    city: str
    key: str = ""
    url: str = ""
    amount: Money | None = None
    txid: str = ""
    description: str = ""
    postal_code: str = ""
    initiation: Initiation | None = None

    def __post_init__(self) -> None:
        if bool(self.key) == bool(self.url):
            raise ValueError("a PIX code has either a key or a url")
        _must_be_text("name", self.name, NAME_MOST)
        _must_be_text("city", self.city, CITY_MOST)
        if self.description:
            _must_be_text("description", self.description, tlv.MOST)
        if self.postal_code and not _CEP.fullmatch(self.postal_code):
            raise ValueError("postal_code: 8 digits")
        if self.txid and not _TXID.fullmatch(self.txid):
            raise ValueError("txid: 1 to 25 letters and digits")
        if self.key:
            kind_of(self.key)
            _must_be_writable(self.amount)
        else:
            _must_be_dynamic(self)
        if len(_account_of(self)) > tlv.MOST:
            raise ValueError(f"description: with the key or url it takes {len(_account_of(self))} of {tlv.MOST} bytes")


def encode(code: PixCode) -> str:
    """The text of the code, as a QR code holds it and as it is pasted."""
    return tlv.sealed(
        tlv.written(
            [
                ("00", "01"),
                ("01", code.initiation.value if code.initiation else ""),
                ("26", _account_of(code)),
                ("52", "0000"),
                ("53", "986"),
                ("54", f"{code.amount.decimal():.2f}" if code.amount else ""),
                ("58", "BR"),
                ("59", code.name),
                ("60", code.city),
                ("61", code.postal_code),
                ("62", tlv.written([("05", code.txid or _NONE)])),
            ]
        )
    )


def decode(text: str) -> PixCode:
    """What the text says; tags that we do not know are passed over, an empty value is one that is not there.

    Raises ValueError naming what is wrong: the checksum, the form, or a field.
    """
    tags = tlv.read(tlv.unsealed(text))
    _must_be_a_br_code(tags)
    account = _account_in(tags)
    static = not account.get("25")
    extra = tlv.read(tags.get("62", ""), "62-")
    txid = extra.get("05", _NONE)
    return PixCode(
        name=tags["59"],
        city=tags["60"],
        key=account.get("01", ""),
        url=account.get("25", ""),
        amount=_amount_from(tags.get("54", "")) if static else None,
        txid=txid if static and txid != _NONE else "",
        description=account.get("02", ""),
        postal_code=tags.get("61", ""),
        initiation=Initiation(tags["01"]) if tags.get("01") else None,
    )


def kind_of(key: str) -> KeyKind:
    """What sort of PIX key the text is, by its form: whether it exists only the DICT knows. Raises ValueError."""
    for kind, form in _KEYS.items():
        if len(key) <= KEY_MOST and form.fullmatch(key):
            return kind
    raise ValueError("key: no CPF, CNPJ, phone with +55, e-mail of at most 77 bytes, or UUID")


def plain(text: str, most: int) -> str:
    """The text as a code spells it: no accents, upper case, single blanks, cut to `most` bytes.

    What has no ASCII spelling is left out. A payer sees the name that the DICT has, so a cut name misleads nobody.
    """
    spelled = normalize("NFKD", " ".join(text.split())).upper().encode("ascii", "ignore").decode()
    shown = "".join(letter for letter in spelled if letter.isprintable())
    return " ".join(shown.split())[:most].rstrip()


def static_txid(number: UUID) -> str:
    """The UUID in base 62, always 22 characters: its hex would be too long for a static code's txid."""
    left, digits = number.int, ""
    for _ in range(22):
        left, digit = divmod(left, len(_BASE62))
        digits = _BASE62[digit] + digits
    return digits


def _account_of(code: PixCode) -> str:
    place = ("01", code.key) if code.key else ("25", code.url)
    return tlv.written([("00", _ARRANGEMENT), place, ("02", code.description)])


def _account_in(tags: Mapping[str, str]) -> Mapping[str, str]:
    accounts = (tlv.read(tags[tag], f"{tag}-") for tag in _ACCOUNTS if tag in tags)
    ours = [account for account in accounts if account.get("00", "").lower() == _ARRANGEMENT]
    if len(ours) != 1:
        raise ValueError(f"26: a PIX code has {_ARRANGEMENT} once, not {len(ours)} times")
    return ours[0]


def _amount_from(text: str) -> Money | None:
    if not text:
        return None
    if not _AMOUNT.fullmatch(text):
        raise ValueError("amount: at most 13 digits and a dot")
    return Money.parse(text)


def _must_be_a_br_code(tags: Mapping[str, str]) -> None:
    if next(iter(tags), "") != "00" or tags["00"] != "01":
        raise ValueError("00: a PIX code starts with 000201")
    for tag, only in (("52", ""), ("53", "986"), ("58", "BR"), ("59", ""), ("60", "")):
        if not tags.get(tag):
            raise ValueError(f"{tag} is missing")
        if only and tags[tag] != only:
            raise ValueError(f"{tag} is {only} in a PIX code, not {tags[tag]}")


def _must_be_writable(amount: Money | None) -> None:
    if amount is not None and not (amount.currency == BRL and 1 <= amount.cents <= AMOUNT_MOST.cents):
        raise ValueError(f"amount: from one centavo to {AMOUNT_MOST}, not {amount}")


def _must_be_dynamic(code: PixCode) -> None:
    if len(code.url) > KEY_MOST or not _URL.fullmatch(code.url):
        raise ValueError(f"url: host and path without a scheme, ASCII, at most {KEY_MOST} bytes")
    if code.amount is not None or code.txid:
        raise ValueError("amount and txid: a dynamic code leaves them to the PSP's payload")


def _must_be_text(field: str, text: str, most: int) -> None:
    if len(text) > most or not _PRINTABLE.fullmatch(text):
        raise ValueError(f"{field}: 1 to {most} bytes of printable ASCII, not all blank")
