"""The cache: one suite over both adapters and over the two as one, with a real Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from uuid import uuid4

import pytest

from domain.eligibility.ports import Cache
from persistence.cache_layers import LayeredCache
from persistence.cache_memory import MemoryCache
from persistence.cache_redis import RedisCache
from server.telemetry import Telemetry
from tests.support.metrics import counted
from tests.support.waiting import eventually

BYTES = bytes(range(256))
KINDS = ("memory", "redis", "layers")


@pytest.fixture
def telemetry() -> Telemetry:
    return Telemetry()


@pytest.fixture(params=KINDS)
async def cache(request: pytest.FixtureRequest, telemetry: Telemetry, redis_url: str) -> AsyncIterator[Cache]:
    """An empty cache of the kind."""
    async with AsyncExitStack() as stack:
        near = MemoryCache(telemetry)
        if request.param == "memory":
            yield near
            return
        # A second each, so that a busy machine is not taken for a Redis that is away.
        far = RedisCache(redis_url, telemetry, prefix=f"test:{uuid4()}:", time_limit=1.0)
        await stack.enter_async_context(far.opened())
        yield far if request.param == "redis" else LayeredCache(near, far)


async def test_what_was_never_kept_is_a_miss(cache: Cache) -> None:
    assert await cache.get("nothing") is None


async def test_what_is_kept_comes_back_byte_by_byte(cache: Cache) -> None:
    await cache.put("key", BYTES, 60)
    await cache.put("other", b"", 60)
    assert (await cache.get("key"), await cache.get("other")) == (BYTES, b"")


async def test_what_is_kept_again_takes_the_place_of_the_first(cache: Cache) -> None:
    await cache.put("key", b"old", 60)
    await cache.put("key", b"new", 60)
    assert await cache.get("key") == b"new"


async def test_an_entry_is_there_before_its_end_and_not_after_it(cache: Cache) -> None:
    await cache.put("short", b"1", 0.5)
    await cache.put("long", b"2", 60)
    assert await cache.get("short") == b"1"

    async def ended() -> bool:
        return await cache.get("short") is None

    await eventually(ended, within=5)
    assert await cache.get("long") == b"2"


@pytest.mark.parametrize("ttl", [0.0, -1.0])
async def test_what_has_ended_already_is_never_kept(cache: Cache, ttl: float) -> None:
    await cache.put("key", b"1", ttl)
    assert await cache.get("key") is None


async def test_keys_that_look_alike_are_different_entries(cache: Cache) -> None:
    for key in ("a:b", "a", "A", "a:", "a:b:"):
        await cache.put(key, key.encode(), 60)
    assert [await cache.get(key) for key in ("a", "a:b", "A")] == [b"a", b"a:b", b"A"]


async def test_many_at_once_each_get_their_own(cache: Cache) -> None:
    await asyncio.gather(*(cache.put(f"k{at}", b"%d" % at, 60) for at in range(200)))
    assert await asyncio.gather(*(cache.get(f"k{at}") for at in range(200))) == [b"%d" % at for at in range(200)]


@pytest.mark.parametrize("kind", ["memory", "redis"])
async def test_hits_and_misses_are_counted_by_adapter(kind: str, redis_url: str) -> None:
    telemetry = Telemetry()
    async with AsyncExitStack() as stack:
        found: Cache = MemoryCache(telemetry)
        if kind == "redis":
            redis = RedisCache(redis_url, telemetry, prefix=f"test:{uuid4()}:", time_limit=1.0)
            found = await stack.enter_async_context(redis.opened())
        await found.get("key")
        await found.put("key", b"1", 60)
        await found.get("key")
        await found.get("key")
    assert counted(telemetry, "acerto_cache_misses_total", cache=kind) == 1
    assert counted(telemetry, "acerto_cache_hits_total", cache=kind) == 2


async def test_an_entry_ends_exactly_when_its_time_is_up() -> None:
    now = 100.0
    cache = MemoryCache(Telemetry(), timer=lambda: now)
    await cache.put("key", b"1", 5)
    now = 104.999
    assert await cache.get("key") == b"1"
    now = 105.0
    assert await cache.get("key") is None


async def test_a_full_memory_lets_the_least_used_go_and_counts_it() -> None:
    telemetry = Telemetry()
    cache = MemoryCache(telemetry, entries=2)
    await cache.put("first", b"1", 60)
    await cache.put("second", b"2", 60)
    await cache.get("first")
    await cache.put("third", b"3", 60)
    assert [await cache.get(key) for key in ("first", "second", "third")] == [b"1", None, b"3"]
    assert counted(telemetry, "acerto_cache_evictions_total", cache="memory") == 1


async def test_room_that_ended_entries_left_is_no_eviction() -> None:
    now, telemetry = 0.0, Telemetry()
    cache = MemoryCache(telemetry, entries=1, timer=lambda: now)
    await cache.put("first", b"1", 5)
    now = 6.0
    await cache.put("second", b"2", 5)
    assert await cache.get("second") == b"2"
    assert counted(telemetry, "acerto_cache_evictions_total", cache="memory") == 0


async def test_two_installations_on_one_redis_share_nothing(redis_url: str) -> None:
    one, other = (RedisCache(redis_url, Telemetry(), prefix=f"test:{uuid4()}:", time_limit=1.0) for _ in range(2))
    async with one.opened(), other.opened():
        await one.put("key", b"1", 60)
        assert (await one.get("key"), await other.get("key")) == (b"1", None)


async def test_processes_on_one_redis_share_everything(redis_url: str) -> None:
    prefix = f"test:{uuid4()}:"
    fars = [RedisCache(redis_url, Telemetry(), prefix=prefix, time_limit=1.0) for _ in range(2)]
    one, other = (LayeredCache(MemoryCache(Telemetry()), far) for far in fars)
    async with fars[0].opened(), fars[1].opened():
        await one.put("key", b"1", 60)
        assert await other.get("key") == b"1"
