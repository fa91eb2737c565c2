"""Page tokens: only ours, and only for the list they were made for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acerto.billing.v1 import billing_service_pb2 as pb
from acerto.billing.v1 import budget_pb2
from server.rpc.page_tokens import InvalidPageToken, PageTokens, page_size

TOKENS = PageTokens(b"a key of this test, long enough to be one")
DRAFTS = pb.ListBudgetsRequest(status=budget_pb2.BUDGET_STATUS_DRAFT)
TEXT = st.text(st.characters(codec="utf-8"), max_size=64)


@given(TEXT, TEXT)
def test_a_token_gives_back_the_place_it_was_made_for(first: str, second: str) -> None:
    token = TOKENS.make(DRAFTS, (first, second))
    assert TOKENS.read(DRAFTS, token, parts=2) == (first, second)
    assert len(token) <= 1024


def test_no_token_is_the_first_page() -> None:
    assert TOKENS.read(DRAFTS, "", parts=2) is None


def test_the_page_may_change_its_size_on_the_way() -> None:
    token = TOKENS.make(pb.ListBudgetsRequest(status=budget_pb2.BUDGET_STATUS_DRAFT, page_size=10), ("a", "b"))
    next_page = pb.ListBudgetsRequest(status=budget_pb2.BUDGET_STATUS_DRAFT, page_size=500, page_token=token)
    assert TOKENS.read(next_page, token, parts=2) == ("a", "b")


@pytest.mark.parametrize(
    "other",
    [
        pb.ListBudgetsRequest(),
        pb.ListBudgetsRequest(status=budget_pb2.BUDGET_STATUS_SENT),
        pb.ListBudgetsRequest(status=budget_pb2.BUDGET_STATUS_DRAFT, customer_document="1"),
        pb.ListServicePricesRequest(),
    ],
)
def test_a_token_does_not_fit_another_list(other: pb.ListBudgetsRequest | pb.ListServicePricesRequest) -> None:
    token = TOKENS.make(DRAFTS, ("a", "b"))
    with pytest.raises(InvalidPageToken):
        TOKENS.read(other, token, parts=2)


@pytest.mark.parametrize("at", [0, 20, 42, -1])
def test_a_token_with_one_character_changed_is_refused(at: int) -> None:
    token = list(TOKENS.make(DRAFTS, ("2026-03-01T12:00:00+00:00", "abc")))
    token[at] = "A" if token[at] != "A" else "B"
    with pytest.raises(InvalidPageToken) as refused:
        TOKENS.read(DRAFTS, "".join(token), parts=2)
    assert [violation.field for violation in refused.value.violations] == ["page_token"]


@given(st.text(max_size=100).filter(bool))
def test_no_invented_text_is_a_token(text: str) -> None:
    with pytest.raises(InvalidPageToken):
        TOKENS.read(DRAFTS, text, parts=2)


def test_another_key_makes_other_tokens() -> None:
    token = PageTokens(b"another key").make(DRAFTS, ("a", "b"))
    with pytest.raises(InvalidPageToken):
        TOKENS.read(DRAFTS, token, parts=2)


@pytest.mark.parametrize(("asked", "given_"), [(0, 50), (1, 1), (1000, 1000), (1001, 1000), (2**31 - 1, 1000)])
def test_a_page_has_fifty_rows_unless_asked_and_never_more_than_a_thousand(asked: int, given_: int) -> None:
    assert page_size(asked) == given_
