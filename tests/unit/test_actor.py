"""Who sees what: each attribute limits its own world, and no limit is no limit."""

from __future__ import annotations

import pytest

from domain.actor import Actor


@pytest.mark.parametrize(
    ("providers", "provider_id", "serves"),
    [
        (None, "2077485", True),
        (None, "", True),
        (frozenset({"2077485", "0012345"}), "0012345", True),
        (frozenset({"2077485"}), "0012345", False),
        (frozenset({"2077485"}), "", False),
        (frozenset(), "2077485", False),
    ],
)
def test_an_actor_serves_its_own_providers_and_all_without_a_limit(
    providers: frozenset[str] | None, provider_id: str, serves: bool
) -> None:
    assert Actor(id="tester", providers=providers).serves(provider_id) is serves


def test_a_limit_of_one_world_limits_no_other() -> None:
    clinic = Actor(id="clinic", providers=frozenset({"2077485"}))
    workshop = Actor(id="workshop", workshops=frozenset({"main"}))
    assert clinic.sees("main")
    assert workshop.serves("2077485")
