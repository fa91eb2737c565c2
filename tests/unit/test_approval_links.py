"""Approval links: only ours, only whole, each for one revision of one budget."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acerto.billing.v1 import billing_service_pb2 as pb
from domain.billing.errors import LinkInvalid
from domain.billing.revision import ApprovalLink
from server.access.approval_links import ApprovalLinks
from server.rpc.page_tokens import InvalidPageToken, PageTokens

KEY = b"a key of this test, long enough to be one"
LINKS = ApprovalLinks(KEY)
BUDGET = UUID(int=7)
UNTIL = datetime(2026, 3, 11, 12, 0, 0, 1, tzinfo=UTC)
TOKEN = LINKS.make(BUDGET, 3, UNTIL)
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

INSTANTS = st.datetimes(datetime(1970, 1, 1), datetime(9999, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 -- a bound


@given(st.uuids(), st.integers(1, 2**31 - 1), INSTANTS)
def test_a_token_says_what_it_was_made_for_in_few_characters(budget: UUID, revision: int, until: datetime) -> None:
    token = LINKS.make(budget, revision, until)
    assert LINKS.read(token) == ApprovalLink(budget_id=budget, revision=revision, expires_at=until)
    assert len(token) == 59
    assert set(token) <= set(ALPHABET)


def test_the_same_link_is_the_same_token_in_every_replica() -> None:
    assert ApprovalLinks(KEY, "https://example.com/{token}").make(BUDGET, 3, UNTIL) == TOKEN


def test_a_link_that_has_expired_is_still_read() -> None:
    past = LINKS.make(BUDGET, 3, UNTIL - timedelta(days=3650))
    assert LINKS.read(past).expires_at == UNTIL - timedelta(days=3650)


@pytest.mark.parametrize("at", range(len(TOKEN)))
def test_a_token_with_any_character_changed_is_refused(at: int) -> None:
    for other in ALPHABET:
        if other != TOKEN[at]:
            with pytest.raises(LinkInvalid):
                LINKS.read(TOKEN[:at] + other + TOKEN[at + 1 :])


@pytest.mark.parametrize("wrong", [f"{TOKEN}=", f" {TOKEN}", f"{TOKEN}A", TOKEN[:-1], f"{TOKEN[:9]}!{TOKEN[9:]}", ""])
def test_a_token_has_one_spelling_only(wrong: str) -> None:
    with pytest.raises(LinkInvalid):
        LINKS.read(wrong)


@given(st.text(max_size=100))
def test_no_invented_text_is_a_link(text: str) -> None:
    with pytest.raises(LinkInvalid):
        LINKS.read(text)


def test_another_key_makes_other_tokens() -> None:
    with pytest.raises(LinkInvalid):
        ApprovalLinks(b"another key").read(TOKEN)


def test_neither_a_page_token_nor_a_link_of_the_same_key_is_the_other() -> None:
    pages, request = PageTokens(KEY), pb.ListBudgetsRequest()
    with pytest.raises(LinkInvalid):
        LINKS.read(pages.make(request, ("a", "b")))
    with pytest.raises(InvalidPageToken):
        pages.read(request, TOKEN, parts=2)


def test_what_the_key_signs_without_our_label_is_no_link() -> None:
    content = urlsafe_b64decode(f"{TOKEN}=")[:28]
    forged = content + hmac.digest(KEY, content, "sha256")[:16]
    with pytest.raises(LinkInvalid):
        LINKS.read(urlsafe_b64encode(forged).decode().rstrip("="))


def test_the_url_has_the_token_where_the_template_says_and_is_empty_without_one() -> None:
    assert ApprovalLinks(KEY, "https://example.com/b/{token}?x={}").url("abc") == "https://example.com/b/abc?x={}"
    assert LINKS.url("abc") == ""


def test_a_template_without_a_place_for_the_token_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match=r"\{token\}"):
        ApprovalLinks(KEY, "https://example.com/decide")
