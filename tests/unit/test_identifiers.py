"""Identifiers against two independent libraries, over tens of thousands of them, right and wrong."""

from __future__ import annotations

import random
import string
from collections.abc import Callable, Iterator

import pytest
from stdnum.br import cnpj as stdnum_cnpj
from stdnum.br import cpf as stdnum_cpf
from validate_docbr import CNPJ, CNS, CPF

from domain.identifiers import ans_digit_fits, ans_registration, cnes, cnpj, cns, cpf

MANY = 3_500
ALPHABET = string.digits + string.ascii_uppercase
DICE = random.Random(20261)


def takes(read: Callable[[str], str], text: str) -> bool:
    try:
        return bool(read(text))
    except ValueError:
        return False


def corrupted(number: str, alphabet: str) -> str:
    """The same with one place changed, or two neighbours swapped: it may be a valid number again."""
    at = DICE.randrange(len(number) - 1)
    if DICE.random() < 0.3:
        return f"{number[:at]}{number[at + 1]}{number[at]}{number[at + 2 :]}"
    return f"{number[:at]}{DICE.choice(alphabet)}{number[at + 1 :]}"


def cpfs() -> Iterator[str]:
    for _ in range(MANY):
        first = "".join(DICE.choices(string.digits, k=9))
        valid = first + stdnum_cpf._calc_check_digits(first)
        yield from (valid, corrupted(valid, string.digits), first + "".join(DICE.choices(string.digits, k=2)))


def cnpjs() -> Iterator[str]:
    for place in range(MANY):
        first = "".join(DICE.choices(ALPHABET if place % 2 else string.digits, k=12))
        valid = first + stdnum_cnpj.calc_check_digits(first + "00")
        yield from (valid, corrupted(valid, ALPHABET), first + "".join(DICE.choices(string.digits, k=2)))


def cnss() -> Iterator[str]:
    library = CNS()
    for _ in range(MANY):
        yield from (valid := library.generate(), corrupted(valid, string.digits))
        # With the last four digits as free as the sum lets them be, which the numbers made from a PIS are not.
        yield "".join(DICE.choices("12", k=1) + DICE.choices(string.digits, k=10)) + f"00{DICE.randrange(100):02}"


def test_a_cpf_is_what_both_libraries_take_for_one() -> None:
    library, kinds = CPF(), set()
    for number in cpfs():
        ours = takes(cpf, number)
        kinds.add(ours)
        assert ours == library.validate(number), number
        assert ours == (stdnum_cpf.is_valid(number) and len(set(number)) > 1), number
    assert kinds == {True, False}


def test_a_cnpj_of_digits_or_letters_is_what_both_libraries_take_for_one() -> None:
    library, kinds = CNPJ(), set()
    for number in cnpjs():
        ours = takes(cnpj, number)
        kinds.add(ours)
        assert ours == (library.validate(number) and number[-2:].isdecimal()), number
        assert ours == stdnum_cnpj.is_valid(number), number
    assert kinds == {True, False}


def test_a_cns_is_what_the_library_takes_for_one() -> None:
    library, kinds = CNS(), set()
    for number in cnss():
        ours = takes(cns, number)
        kinds.add((number[0] in "12", ours))
        assert ours == library.validate(number), number
    assert kinds == {(made, right) for made in (True, False) for right in (True, False)}


@pytest.mark.parametrize(
    ("number", "valid"), [("12ABC34501DE35", True), ("00000000E08G12", True), ("93ZB0VRYV6KA66", False)]
)
def test_the_published_vectors_of_the_cnpj_with_letters_hold(number: str, valid: bool) -> None:
    assert takes(cnpj, number) == valid


@pytest.mark.parametrize(
    ("read", "text", "bare"),
    [
        (cpf, "529.982.247-25", "52998224725"),
        (cnpj, "12.abc.345/01de-35", "12ABC34501DE35"),
        (cns, "700 0000 0000 0005", "700000000000005"),
        (ans_registration, "326305", "326305"),
        (cnes, "2077485", "2077485"),
    ],
)
def test_a_number_is_given_without_its_punctuation(read: Callable[[str], str], text: str, bare: str) -> None:
    assert read(text) == bare


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (cpf, "111.111.111-11"),
        (cpf, "5299822472"),
        (cpf, "٥2998224725"),
        (cpf, "529-982-247.25"),
        (cnpj, "00000000000000"),
        (cnpj, "12ABC34501DE3A"),
        (cnpj, "12ABC34501DE355"),
        (cnpj, "12ıBC34501DE35"),
        (cns, "300000000000006"),
        (cns, ""),
        (ans_registration, "32630"),
        (ans_registration, "3263O5"),
        (ans_registration, " 326305"),
        (ans_registration, "326305\n"),
        (ans_registration, "326 305"),
        (cnes, "2077485 "),
        (cpf, " 529.982.247-25"),
        (cnpj, "12ABC34501DE35 "),
        (cns, "\t700 0000 0000 0005"),
        (cnes, "20774855"),
        (cnes, "²077485"),
    ],
)
def test_what_is_no_number_is_refused_without_being_quoted(read: Callable[[str], str], text: str) -> None:
    with pytest.raises(ValueError, match=r"^must be a ") as refused:
        read(text)
    assert not text or text not in str(refused.value)


def test_a_wrong_check_digit_of_a_registration_is_known_but_not_refused() -> None:
    assert ans_digit_fits("326305")
    assert not ans_digit_fits("326304")
    assert ans_registration("326304") == "326304"
