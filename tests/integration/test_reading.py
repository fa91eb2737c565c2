"""What limits a reading: the attribute that its views name, and no other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import ClassVar

import pytest

from domain.actor import Actor
from persistence.reading import Attribute, Reading
from tests.support.builders import CALL, an_order, an_os
from tests.support.house import House, house

SELECT = "SELECT o.workshop_id, o.provider_id FROM work_orders o"
"""Any table that has all the attributes would do."""


class OfWorkshops(Reading):
    """Views like billing's."""


class OfProviders(Reading):
    """Views like those of claims."""

    limited_by: ClassVar[Attribute | None] = "provider"


class OfNobody(Reading):
    """Views like those of reference data."""

    limited_by: ClassVar[Attribute | None] = None


@pytest.fixture
async def home(database_url: str) -> AsyncIterator[House]:
    async with house(database_url) as opened:
        for os, workshop, provider in ((1, "main", "2077485"), (2, "south", "0012345"), (3, "main", None)):
            await opened.billing.create_budget(CALL, an_order(os, workshop_id=workshop))
            await opened.rows("UPDATE work_orders SET provider_id = %s WHERE id = %s", provider, an_os(os))
        yield opened


def limits(*, workshops: set[str] | None = None, providers: set[str] | None = None) -> Actor:
    seen = [None if each is None else frozenset(each) for each in (workshops, providers)]
    return Actor(id="guest", workshops=seen[0], providers=seen[1])


@pytest.mark.parametrize(
    ("views", "actor", "found"),
    [
        (OfWorkshops, limits(), 3),
        (OfWorkshops, limits(workshops={"main"}, providers=set()), 2),
        (OfProviders, limits(), 3),
        (OfProviders, limits(providers={"2077485", "9999999"}, workshops=set()), 1),
        (OfProviders, limits(providers={"2077485", "0012345"}), 2),
        (OfProviders, limits(providers=set()), 0),
        (OfNobody, limits(workshops=set(), providers=set()), 3),
    ],
)
async def test_a_reading_is_limited_by_the_attribute_of_its_views_alone(
    home: House, views: type[Reading], actor: Actor, found: int
) -> None:
    assert len(await views(home.database).rows(actor, SELECT, [], {}, table="o.")) == found


async def test_a_limit_stands_beside_the_other_conditions(home: House) -> None:
    guest, reading = limits(providers={"0012345"}), OfProviders(home.database)
    asked = {"workshop": "south"}
    assert len(await reading.rows(guest, SELECT, ["o.workshop_id = %(workshop)s"], asked, table="o.")) == 1
    assert await reading.rows(guest, SELECT, ["o.workshop_id = 'main'"], {}, table="o.") == []


async def test_what_is_said_to_be_unlimited_is_read_whole(home: House) -> None:
    assert len(await OfProviders(home.database).rows(limits(providers=set()), SELECT, [], {}, scoped=False)) == 3
