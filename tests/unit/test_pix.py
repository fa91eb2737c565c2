"""The PIX code: the vectors of billing.md E, the codes that look right and are not, and invariant I20."""

from __future__ import annotations

from dataclasses import replace
from string import ascii_letters, digits, printable
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.billing.pix import AMOUNT_MOST, Initiation, KeyKind, PixCode, decode, encode, kind_of, plain, static_txid
from domain.billing.tlv import checksum, sealed, written
from domain.money import Money

EVP = "123e4567-e12b-12d1-a456-426655440000"
MANUAL = (
    "00020126580014br.gov.bcb.pix0136123e4567-e12b-12d1-a456-4266554400005204000053039865802BR"
    "5913Fulano de Tal6008BRASILIA62070503***63041D3D"
)
DYNAMIC = (
    "00020101021226770014BR.GOV.BCB.PIX2555pix.example.com/qr/93598be0-1bd0-4997-8318-81776a1d8a99"
    "5204000053039865802BR5907EMPRESA6009SAO PAULO62070503***6304EEAB"
)
OURS = (
    "00020126580014br.gov.bcb.pix0136123e4567-e12b-12d1-a456-4266554400005204000053039865406123.455802BR"
    "5915OFICINA CARDOZO6009SAO PAULO62290525OS7K2M9Q4T1V8X3Z5B6C0D2F463048427"
)
STATIC = PixCode(key=EVP, name="OFICINA CARDOZO", city="SAO PAULO")
BY_URL: dict[str, Any] = {"key": "", "url": "pix.example.com/qr/1"}

NAMES = st.from_regex(r"[ -~]{0,24}[!-~]", fullmatch=True)
CITIES = st.from_regex(r"[ -~]{0,14}[!-~]", fullmatch=True)
KEYS = st.one_of(
    st.uuids().map(str),
    *(
        st.from_regex(form, fullmatch=True)
        for form in (r"[0-9]{11}", r"[0-9A-Z]{12}[0-9]{2}", r"\+55[1-9]{2}[0-9]{8,9}", r"[a-z.]{1,40}@example\.com")
    ),
)
SAID = {
    "name": NAMES,
    "city": CITIES,
    "description": st.just("") | CITIES,
    "postal_code": st.just("") | st.from_regex(r"[0-9]{8}", fullmatch=True),
    "initiation": st.none() | st.sampled_from(Initiation),
}
CODES = st.builds(
    PixCode,
    key=KEYS,
    amount=st.none() | st.integers(1, AMOUNT_MOST.cents).map(Money),
    txid=st.just("") | st.from_regex(r"[A-Za-z0-9]{1,25}", fullmatch=True) | st.uuids().map(static_txid),
    **SAID,
) | st.builds(PixCode, url=st.from_regex(r"[a-z]{1,9}\.example\.com/[!-~]{1,30}", fullmatch=True), **SAID)


def test_the_checksum_has_its_published_check_word() -> None:
    assert checksum("123456789") == "29B1"


def test_the_checksum_keeps_its_leading_zeros() -> None:
    assert {len(checksum(str(number))) for number in range(5000)} == {4}


def test_a_value_whose_length_has_three_digits_is_refused() -> None:
    with pytest.raises(ValueError, match="59 takes at most 99 bytes, not 100"):
        written([("59", "A" * 100)])


def test_the_manuals_code_is_read_and_written_again_byte_for_byte() -> None:
    assert decode(MANUAL) == PixCode(key=EVP, name="Fulano de Tal", city="BRASILIA")
    assert encode(decode(MANUAL)) == MANUAL


def test_our_own_code_is_written_as_the_vector() -> None:
    code = replace(STATIC, amount=Money.parse("123.45"), txid="OS7K2M9Q4T1V8X3Z5B6C0D2F4")
    assert encode(code) == OURS
    assert decode(OURS) == code


def test_a_dynamic_code_is_read_in_either_case_of_the_arrangements_name() -> None:
    code = PixCode(
        url="pix.example.com/qr/93598be0-1bd0-4997-8318-81776a1d8a99",
        name="EMPRESA",
        city="SAO PAULO",
        initiation=Initiation.SINGLE_USE,
    )
    assert decode(DYNAMIC) == code
    assert encode(code)[:-4] == DYNAMIC[:-4].replace("BR.GOV.BCB.PIX", "br.gov.bcb.pix")


def test_a_dynamic_codes_amount_and_txid_are_not_believed() -> None:
    lying = _with(_with(DYNAMIC, "5802BR", "5406123.455802BR"), "62070503***", "62070503OS1")
    assert decode(lying) == decode(DYNAMIC)


@given(CODES)
def test_every_code_survives_its_text(code: PixCode) -> None:
    assert decode(encode(code)) == code


@given(CODES, st.data())
def test_a_text_with_any_one_character_changed_is_refused(code: PixCode, draw: st.DataObject) -> None:
    text = encode(code)
    at = draw.draw(st.integers(0, len(text) - 1))
    other = draw.draw(st.characters().filter(lambda character: character != text[at]))
    with pytest.raises(ValueError, match=r"."):
        decode(text[:at] + other + text[at + 1 :])


@pytest.mark.parametrize("text", [MANUAL, DYNAMIC, OURS])
def test_no_change_loss_or_gain_of_one_ascii_character_passes(text: str) -> None:
    changed = (
        text[:at] + other + text[at + 1 :] for at in range(len(text)) for other in printable if other != text[at]
    )
    lost = (text[:at] + text[at + 1 :] for at in range(len(text)))
    gained = (text[:at] + other + text[at:] for at in range(len(text) + 1) for other in printable)
    assert [broken for some in (changed, lost, gained) for broken in some if _passes(broken)] == []


@given(st.text() | st.text(digits + "*.BR", max_size=60).map(sealed))
def test_no_invented_text_breaks_the_reader(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode(text)


def test_a_wrong_checksum_is_named_with_the_right_one() -> None:
    # As in bacen/pix-api issue 189: 13DF stood where 2E7D belongs.
    text = f"{MANUAL[:-19]}62190515OS0000000290299630413DF"
    assert checksum(text[:-4]) == "2E7D"
    with pytest.raises(ValueError, match="the checksum is 13DF and must be 2E7D"):
        decode(text)


def test_mercado_pagos_sample_is_wrong_in_its_checksum_and_in_its_form() -> None:
    # As in their documentation: 15 bytes said to be 17, and E2CA where 2DFA belongs.
    sample = (
        "00020126600014br.gov.bcb.pix0119oficina@example.com0217additional data520400005303986540510.00"
        "5802BR5915OFICINA CARDOZO6009SAO PAULO62190515OS00000000693666304E2CA"
    )
    with pytest.raises(ValueError, match="the checksum is E2CA and must be 2DFA"):
        decode(sample)
    with pytest.raises(ValueError, match="26-02 says 17 bytes and 15 are left"):
        decode(sample.replace("E2CA", "2DFA"))


def test_a_right_checksum_does_not_excuse_a_broken_form() -> None:
    text = f"{MANUAL[:-19]}61080022031862080503***6304170E"
    assert checksum(text[:-4]) == "170E"
    with pytest.raises(ValueError, match="62 says 08 bytes and 7 are left"):
        decode(text)


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("62070503***", "62070503***80080104ABCD9902OK"),
        ("62070503***", "62300503***50190011com.example0100"),
        ("5204", "2708000499995204"),
        (f"26580014br.gov.bcb.pix0136{EVP}", f"26640014br.gov.bcb.pix0136{EVP}9902OK"),
        (f"26580014br.gov.bcb.pix0136{EVP}", f"26620014br.gov.bcb.pix0136{EVP}0200"),
        ("62070503***", ""),
        ("5802BR", "54005802BR"),
        ("000201", "0002010100"),
    ],
)
def test_unknown_and_empty_tags_are_passed_over(was: str, becomes: str) -> None:
    assert decode(_with(MANUAL, was, becomes)) == decode(MANUAL)


def test_the_arrangement_may_stand_in_any_account_field() -> None:
    assert decode(_with(MANUAL, "2658", "5158")) == decode(MANUAL)


@pytest.mark.parametrize(
    ("was", "becomes", "says"),
    [
        ("000201", "", "000201"),
        ("000201", "000202", "000201"),
        ("000201", "010211000201", "000201"),
        ("br.gov.bcb.pix", "br.gov.bcb.pox", "once, not 0 times"),
        ("5204", "27200014br.gov.bcb.pix115204", "27-11"),
        ("5204", "27180014br.gov.bcb.pix5204", "once, not 2 times"),
        ("52040000", "", "52 is missing"),
        ("5303986", "5303840", "53 is 986"),
        ("5802BR", "5802US", "58 is BR"),
        ("5913Fulano de Tal", "", "59 is missing"),
        ("6008BRASILIA", "6000", "60 is missing"),
        ("6008BRASILIA", "6008BRASILIA6008BRASILIA", "60 is there twice"),
        ("6008BRASILIA", "6016SAO JOSE DO RIO ", "city"),
        ("5913Fulano de Tal", "5926ABCDEFGHIJKLMNOPQRSTUVWXYZ", "name"),
        ("5913Fulano de Tal", "5913Fulano\nde Tal", "name"),
        ("0136", "2536", "url"),
        (EVP, f"{EVP[:-1]}g", "key"),
        ("5802BR", "54040.005802BR", "amount"),
        ("5802BR", "5405+5.005802BR", "amount"),
        ("5802BR", "54041,005802BR", "amount"),
        ("5802BR", "54051.0055802BR", "amount"),
        ("0503***", "0503O-1", "txid"),
        ("000201", "000201010213", "Initiation"),
        ("5802BR", "5802BR6A0", "6A"),
        ("62070503***", "62070503***6", "6"),
    ],
)
def test_what_is_wrong_with_a_text_is_named(was: str, becomes: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        decode(_with(MANUAL, was, becomes))


@pytest.mark.parametrize("text", ["", "6304", MANUAL[:-1], MANUAL[:-8], MANUAL.lower(), f"{MANUAL}\n", f" {MANUAL}"])
def test_a_text_that_is_not_sealed_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="checksum"):
        decode(text)


def test_a_text_that_is_not_ascii_is_refused() -> None:
    with pytest.raises(ValueError, match="ASCII"):
        decode(MANUAL.replace("BRASILIA", "BRASÍLIA"))


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("12345678909", KeyKind.CPF),
        ("11222333000181", KeyKind.CNPJ),
        ("12ABC34501DE35", KeyKind.CNPJ),
        ("+5511987654321", KeyKind.PHONE),
        ("+551132654321", KeyKind.PHONE),
        ("oficina.cardozo+pix@example.com", KeyKind.EMAIL),
        (f"{'a' * 65}@example.com", KeyKind.EMAIL),
        (EVP, KeyKind.EVP),
    ],
)
def test_a_key_is_known_by_its_form(key: str, kind: KeyKind) -> None:
    assert kind_of(key) is kind
    assert decode(encode(replace(STATIC, key=key))).key == key


@pytest.mark.parametrize(
    "key",
    [
        *("1234567890", "123456789012", "123.456.789-09", "12abc34501de35", "12ABC34501DE3A", "11987654321x"),
        *("5511987654321", "+5501987654321", "+551198765432100", "+14155550100", "+55 11987654321"),
        *("example.com", "a@b@example.com", "a b@example.com", "á@example.com", "a@example", f"{'a' * 66}@example.com"),
        *(EVP.replace("-", ""), f"{{{EVP}}}", " ", "١٢٣٤٥٦٧٨٩٠٩", f"{EVP}\n"),
    ],
)
def test_what_has_no_form_of_a_key_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match=r"^key: no CPF"):
        replace(STATIC, key=key)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"key": ""}, "either a key or a url"),
        ({"url": BY_URL["url"]}, "either a key or a url"),
        ({"name": ""}, "name"),
        ({"name": "   "}, "name"),
        ({"name": "OFICINA JOSÉ"}, "name"),
        ({"name": "A" * 26}, "name"),
        ({"city": "A" * 16}, "city"),
        ({"amount": Money(0)}, "amount"),
        ({"amount": Money(-1)}, "amount"),
        ({"amount": Money(1_000_000_000_000)}, "amount"),
        ({"amount": Money(1, "USD")}, "amount"),
        ({"txid": "A" * 26}, "txid"),
        ({"txid": "***"}, "txid"),
        ({"description": "A" * 38}, "description"),
        ({"description": "Revisão"}, "description"),
        ({"postal_code": "0131010"}, "postal_code"),
        (BY_URL | {"url": "https://pix.example.com/qr/1"}, "^url"),
        (BY_URL | {"url": "pix.example.com"}, "^url"),
        (BY_URL | {"url": "pix.example.com/qr 1"}, "^url"),
        (BY_URL | {"url": f"pix.example.com/{'1' * 62}"}, "^url"),
        (BY_URL | {"amount": Money(1)}, "amount"),
        (BY_URL | {"txid": "OS1"}, "txid"),
    ],
)
def test_a_code_that_cannot_be_written_is_not_made(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        replace(STATIC, **wrong)


def test_the_fullest_code_of_each_sort_survives_its_text() -> None:
    full: dict[str, Any] = {"name": "N" * 25, "city": "C" * 15, "postal_code": "01310-100"}
    once = Initiation.SINGLE_USE
    by_key = PixCode(key=EVP, description="A" * 37, amount=AMOUNT_MOST, txid="T" * 25, initiation=once, **full)
    by_url = PixCode(url=f"pix.example.com/{'1' * 61}", initiation=once, **full)
    assert [decode(encode(code)) for code in (by_key, by_url)] == [by_key, by_url]


@pytest.mark.parametrize(
    ("text", "most", "spelled"),
    [
        ("Oficina São José & Irmãos Ltda", 25, "OFICINA SAO JOSE & IRMAOS"),
        ("  Mecânica \n do  Açaí – 24h ", 25, "MECANICA DO ACAI 24H"),
        ("São José do Rio Preto", 15, "SAO JOSE DO RIO"),
        ("São José do Ri Preto", 15, "SAO JOSE DO RI"),
        ("Straße 1ª", 25, "STRASSE 1A"),
        ("東京", 25, ""),
    ],
)
def test_a_name_is_spelled_as_a_code_can_hold_it(text: str, most: int, spelled: str) -> None:
    assert plain(text, most) == spelled


@given(st.text(), st.integers(1, 40))
def test_a_spelled_name_fits_a_code_and_stays_as_it_is(text: str, most: int) -> None:
    spelled = plain(text, most)
    assert len(spelled) <= most
    assert set(spelled) <= set(printable[:-5]) - set(ascii_letters[:26])
    assert plain(spelled, most) == spelled


@pytest.mark.parametrize(
    ("number", "txid"),
    [
        (UUID(int=0), "0" * 22),
        (UUID(int=61), f"{'0' * 21}z"),
        (UUID(int=62), f"{'0' * 20}10"),
        (UUID(int=2**128 - 1), "7n42DGM5Tflk9n8mt7Fhc7"),
    ],
)
def test_a_uuid_is_a_static_codes_txid_in_base_62(number: UUID, txid: str) -> None:
    assert static_txid(number) == txid


@given(st.uuids(allow_nil=True))
def test_a_txid_tells_its_uuid_and_fits_a_static_code(number: UUID) -> None:
    txid = static_txid(number)
    alphabet = digits + ascii_letters[26:] + ascii_letters[:26]
    assert sum(alphabet.index(digit) * 62**place for place, digit in enumerate(reversed(txid))) == number.int
    assert decode(encode(replace(STATIC, txid=txid))).txid == txid


def _with(text: str, was: str, becomes: str) -> str:
    """The code with one part replaced, and sealed again."""
    assert text.count(was) == 1
    return sealed(text[:-8].replace(was, becomes))


def _passes(text: str) -> bool:
    try:
        decode(text)
    except ValueError:
        return False
    return True
