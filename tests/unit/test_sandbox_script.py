"""The sandbox's scripts: what each step means, and that a word nobody understands is named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.providers.sandbox.script import ALL, MOST, Script, parse


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("", Script()),
        (" ; ", Script()),
        ("approve", Script(approve_after=0)),
        ("approve after 2", Script(approve_after=2000)),
        ("APPROVE  After 0.25", Script(approve_after=250)),
        ("approve late after 3", Script(approve_after=3000, late=True)),
        ("reject", Script(reject_after=0, rejection="rejected_by_bank")),
        ("reject insufficient_amount", Script(reject_after=0, rejection="insufficient_amount")),
        ("reject after 1", Script(reject_after=1000, rejection="rejected_by_bank")),
        ("reject bank_error after 1", Script(reject_after=1000, rejection="bank_error")),
        ("expire after 5", Script(expire_after=5000)),
        ("refuse", Script(refusal="refused")),
        ("refuse invalid_payer", Script(refusal="invalid_payer")),
        ("garbage; approve", Script(garbage=1, approve_after=0)),
        ("garbage 3", Script(garbage=3)),
        ("timeout after charging; approve after 1", Script(timeouts=frozenset({"charging"}), approve_after=1000)),
        ("timeout after canceling;timeout after refunding", Script(timeouts=frozenset({"canceling", "refunding"}))),
        ("webhook before answer; approve", Script(early_webhook=True, approve_after=0)),
        ("duplicate webhooks 5; approve after 1", Script(copies=5, approve_after=1000)),
        ("refund in process 2", Script(refund_takes=2000)),
        ("refund rejected", Script(refunds_rejected=ALL)),
        ("refund in process 1; refund rejected 2", Script(refund_takes=1000, refunds_rejected=2)),
        ("dispute after 3; lost after 2", Script(dispute_after=3000, verdict="lost", verdict_after=2000)),
        ("dispute; won", Script(dispute_after=0, verdict="won")),
    ],
)
def test_each_step_means_what_it_says(text: str, means: Script) -> None:
    assert parse(text) == means


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("aprove after 2", "'aprove'"),
        ("approve before 2", "'before'"),
        ("approve after two", "'two'"),
        ("approve after -1", "'-1'"),
        ("approve after 1e3", "'1e3'"),
        ("approve after 0.0001", "'0.0001'"),
        ("approve after ٣", "'٣'"),
        ("approve after 2 or so", "'or'"),
        ("approve after", "missing after 'approve after'"),
        ("reject Bank-Error", "'bank-error'"),
        ("garbage 0", "'0'"),
        ("garbage 100", "'100'"),
        ("timeout before charging", "'before'"),
        ("timeout after lunch", "'lunch'"),
        ("webhook after answer", "'after'"),
        ("duplicate webhooks", "missing after 'duplicate webhooks'"),
        ("refund slowly", "'slowly'"),
        ("refund in process", "missing after 'refund in process'"),
        ("approve; approve after 1", "'approve after 1' is said twice"),
        ("timeout after charging; timeout after charging", "'timeout after charging' is said twice"),
        ("dispute; lost; won", "'won' is said twice, or against"),
    ],
)
def test_a_word_that_is_not_understood_is_named(text: str, names: str) -> None:
    with pytest.raises(ValueError, match=r"^script: ") as refused:
        parse(text)
    assert names in str(refused.value)


def test_a_script_of_endless_length_is_refused() -> None:
    assert parse("approve".ljust(MOST)) == Script(approve_after=0)
    with pytest.raises(ValueError, match=str(MOST)):
        parse("approve".ljust(MOST + 1))


WORDS = st.sampled_from(
    [
        *("approve", "late", "after", "1", "2.5", "reject", "bank_error", "expire", "refuse", "garbage", "timeout"),
        *("charging", "canceling", "refunding", "webhook", "before", "answer", "duplicate", "webhooks", "5", "refund"),
        *("in", "process", "rejected", "dispute", "lost", "won", ";"),
    ]
)


@given(st.lists(WORDS, max_size=12).map(" ".join) | st.text(max_size=60))
def test_any_text_is_a_script_or_refused(text: str) -> None:
    try:
        script = parse(text)
    except ValueError:
        return
    assert parse(f" {text.upper()} ;") == script
