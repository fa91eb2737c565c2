"""Double entry: what a change means for the books, in centavos, balanced before it is written anywhere."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from domain.money import Money


@dataclass(frozen=True, slots=True)
class Posting:
    """One side of an entry: a debit when the amount is above zero, a credit below. `account` as in `revenue:parts`."""

    account: str
    amount: Money


Entry = tuple[Posting, ...]
"""The postings of one transaction; they add up to zero."""


def entry(debits: Iterable[tuple[str, Money]], credits_: Iterable[tuple[str, Money]]) -> Entry:
    """An entry of amounts that are zero or more; zeros are left out. Raises ValueError when it does not balance."""
    postings = [Posting(account, amount) for account, amount in debits]
    postings += [Posting(account, -amount) for account, amount in credits_]
    if sum(posting.amount.cents for posting in postings):
        raise ValueError("an entry's debits and credits differ")
    return tuple(posting for posting in postings if posting.amount.cents)


def undone(postings: Entry) -> Entry:
    """The entry that takes another one back; books are corrected by adding, never by editing."""
    return tuple(Posting(posting.account, -posting.amount) for posting in postings)
