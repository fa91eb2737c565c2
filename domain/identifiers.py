"""Brazil's numbers for people, companies, insurers and health establishments: what is one, and what cannot be.

Each gives the bare form or raises ValueError. Punctuation is taken where people write it, blanks around it never: who
reads a form takes them off. The sentence does not quote what it was given: a CPF or CNS is personal data.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_CPF: Final = re.compile(r"([0-9]{3})\.?([0-9]{3})\.?([0-9]{3})-?([0-9]{2})", re.ASCII)
_CNPJ: Final = re.compile(r"([0-9A-Z]{2})\.?([0-9A-Z]{3})\.?([0-9A-Z]{3})/?([0-9A-Z]{4})-?([0-9]{2})", re.ASCII)
_CNS: Final = re.compile(r"([12789][0-9]{2}) ?([0-9]{4}) ?([0-9]{4}) ?([0-9]{4})", re.ASCII)
_ANS: Final = re.compile(r"[0-9]{6}", re.ASCII)
_CNES: Final = re.compile(r"[0-9]{7}", re.ASCII)
_UP: Final = (2, 3, 4, 5, 6, 7, 8, 9, 10, 11)
"""Weights of a CPF from its last digit backwards."""
_ROUND: Final = (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5, 6)
"""Weights of a CNPJ from its last place backwards."""


def cpf(text: str) -> str:
    """A person's taxpayer number, 11 digits; the eleven-fold repetitions of a digit, which nobody has, are none."""
    bare = _bare(_CPF, text, "must be a CPF: 11 digits")
    if len(set(bare)) == 1 or not _checks(bare, _UP):
        raise ValueError("must be a CPF: its check digits are wrong")
    return bare


def cnpj(text: str) -> str:
    """A company's taxpayer number, 14 characters: letters since 2026 (IN RFB 2.229/2024), its check digits never."""
    bare = _bare(_CNPJ, text.upper() if text.isascii() else text, "must be a CNPJ: 12 letters or digits, then 2 digits")
    if len(set(bare)) == 1 or not _checks(bare, _ROUND):
        raise ValueError("must be a CNPJ: its check digits are wrong")
    return bare


def cns(text: str) -> str:
    """A patient's number in the public health system, 15 digits.

    One that begins with 1 or 2 is made from a PIS, so that its last four digits follow from the others.
    """
    bare = _bare(_CNS, text, "must be a CNS: 15 digits, the first 1, 2, 7, 8 or 9")
    weighed = sum(int(digit) * weight for digit, weight in zip(bare, range(15, 0, -1), strict=True))
    made_from_pis = bare[0] not in "12" or bare[11:14] == "000" or bare[11:] == "0018"
    if weighed % 11 or not made_from_pis:
        raise ValueError("must be a CNS: its check digits are wrong")
    return bare


def ans_registration(text: str) -> str:
    """An insurer's registration at ANS, 6 digits. Its check digit is no reason to refuse: see `ans_digit_fits`."""
    return _bare(_ANS, text, "must be a registro ANS: 6 digits")


def ans_digit_fits(registration: str) -> bool:
    """Whether the last digit is the check digit of the others; some registrations in use have another one."""
    weighed = sum(int(digit) * weight for digit, weight in zip(registration, (6, 5, 4, 3, 2), strict=False))
    return (11 - weighed % 11) % 10 == int(registration[5])


def cnes(text: str) -> str:
    """A health establishment's number, 7 digits; it has no check digit that anybody may rely on."""
    return _bare(_CNES, text, "must be a CNES: 7 digits")


def _bare(form: re.Pattern[str], text: str, otherwise: str) -> str:
    """The text without its punctuation, which is all there or in part, at its own places."""
    found = form.fullmatch(text)
    if not found:
        raise ValueError(otherwise)
    return "".join(found.groups()) if form.groups else found[0]


def _checks(bare: str, weights: Iterable[int]) -> bool:
    """Whether the last two places are the check digits, each of all the places before it; a value is ord - 48."""
    values = [ord(character) - 48 for character in bare]
    return all(_digit(values[:length], weights) == values[length] for length in (len(bare) - 2, len(bare) - 1))


def _digit(values: list[int], weights: Iterable[int]) -> int:
    weighed = sum(value * weight for value, weight in zip(reversed(values), weights, strict=False))
    return -weighed % 11 % 10
