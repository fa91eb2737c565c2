"""A Redis that is refused, silent, ended or back again: always a miss in little time, never an error."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from persistence.cache_redis import RedisCache
from server.telemetry import Telemetry
from tests.support.metrics import counted
from tests.support.ports import free_port
from tests.support.proxy import Proxy
from tests.support.redis import PrivateRedis
from tests.support.waiting import eventually


@asynccontextmanager
async def behind_a_proxy(
    redis: PrivateRedis, telemetry: Telemetry, **options: Any
) -> AsyncIterator[tuple[RedisCache, Proxy]]:
    async with Proxy(redis.url).running() as proxy, RedisCache(proxy.url, telemetry, **options).opened() as cache:
        yield cache, proxy


async def test_a_redis_that_is_not_there_is_a_miss_and_is_counted() -> None:
    telemetry = Telemetry()
    async with RedisCache(f"redis://127.0.0.1:{free_port()}/0", telemetry).opened() as cache:
        await cache.put("key", b"1", 60)
        assert await cache.get("key") is None
        with pytest.raises((RedisError, OSError)):
            await cache.ping()
    assert counted(telemetry, "acerto_cache_misses_total", cache="redis") == 1
    assert failures(telemetry) == 1


async def test_a_redis_that_failed_is_not_asked_again_for_a_while_and_then_by_one_only(
    private_redis: PrivateRedis,
) -> None:
    now, telemetry = 0.0, Telemetry()
    async with Proxy(private_redis.url).running() as proxy:
        proxy.faults.refuse = True
        cache = RedisCache(proxy.url, telemetry, time_limit=1.0, pause=10.0, timer=lambda: now)
        async with cache.opened():
            for _ in range(50):
                assert await cache.get("key") is None
            assert failures(telemetry) == 1
            now = 10.0
            assert await asyncio.gather(*(cache.get("key") for _ in range(50))) == [None] * 50
            await eventually(lambda: failures(telemetry) == 2, within=5)
            assert await asyncio.gather(*(cache.get("key") for _ in range(50))) == [None] * 50
            assert failures(telemetry) == 2
            proxy.faults.refuse = False
            now = 20.1
            await eventually(lambda: _kept(cache, "key", b"1"), within=5)


async def test_a_silent_redis_costs_its_time_limit_once(private_redis: PrivateRedis) -> None:
    telemetry = Telemetry()
    async with behind_a_proxy(private_redis, telemetry, time_limit=0.05, pause=60.0) as (cache, proxy):
        proxy.faults.blackhole = True
        began = time.monotonic()
        for _ in range(1000):
            assert await cache.get("key") is None
        assert time.monotonic() - began < 2
        assert failures(telemetry) == 1


async def test_a_redis_that_is_stopped_in_the_middle_of_use_and_comes_back_is_used_again(
    private_redis: PrivateRedis,
) -> None:
    async with RedisCache(private_redis.url, Telemetry(), time_limit=1.0, pause=0.05).opened() as cache:
        await cache.put("key", b"1", 60)
        assert await cache.get("key") == b"1"
        private_redis.running.kill()
        assert await asyncio.gather(*(cache.get("key") for _ in range(20))) == [None] * 20
        await cache.put("key", b"2", 60)
        private_redis.start()

        async def kept() -> bool:
            await cache.put("key", b"3", 60)
            return await cache.get("key") == b"3"

        await eventually(kept, within=10)


async def test_a_frozen_redis_is_a_miss_within_the_time_limit(private_redis: PrivateRedis) -> None:
    async with RedisCache(private_redis.url, Telemetry(), time_limit=0.05).opened() as cache:
        await cache.put("key", b"1", 60)
        private_redis.running.pause()
        began = time.monotonic()
        assert await cache.get("key") is None
        assert time.monotonic() - began < 2


async def test_an_answer_that_was_cut_off_is_never_taken_for_anothers(private_redis: PrivateRedis) -> None:
    telemetry = Telemetry()
    async with behind_a_proxy(private_redis, telemetry, time_limit=0.2, pause=0.0) as (cache, proxy):
        await eventually(lambda: _kept(cache, "one", b"1"), within=5)
        await eventually(lambda: _kept(cache, "two", b"2"), within=5)
        proxy.faults.blackhole = True
        assert await cache.get("one") is None
        proxy.faults.blackhole = False
        for _ in range(20):
            assert await cache.get("two") in (b"2", None)
        await eventually(lambda: _kept(cache, "two", b"2"), within=5)


SLOW = {"time_limit": 0.5, "connect_limit": 10.0, "pause": 0.05}
"""Of a link on which a round trip takes 300 ms: one question is answered in time, and no connection is made in it."""


async def test_on_a_slow_link_a_connection_is_made_beside_the_questions_also_after_a_restart(
    private_redis: PrivateRedis,
) -> None:
    async with behind_a_proxy(private_redis, Telemetry(), **SLOW) as (cache, proxy):
        proxy.faults.latency = 0.15
        await eventually(lambda: _kept(cache, "key", b"1"), within=20)
        private_redis.running.kill()
        assert await cache.get("key") is None
        private_redis.start()
        await eventually(lambda: _kept(cache, "key", b"2"), within=20)


async def test_nobody_waits_for_a_connection_and_no_failure_is_counted_while_it_is_made(
    private_redis: PrivateRedis,
) -> None:
    telemetry = Telemetry()
    limits = {"time_limit": 5.0, "connect_limit": 60.0, "pause": 0.0}
    async with behind_a_proxy(private_redis, telemetry, **limits) as (cache, proxy):
        private_redis.running.kill()
        assert await cache.get("key") is None
        private_redis.start()
        proxy.faults.blackhole = True
        before, began = failures(telemetry), time.monotonic()
        for _ in range(1000):
            assert await cache.get("key") is None
        assert time.monotonic() - began < 2
        assert failures(telemetry) == before
        proxy.faults.blackhole = False
        await eventually(lambda: _kept(cache, "key", b"1"), within=5)


async def test_a_redis_that_hangs_at_the_start_is_waited_for_as_long_as_a_connection_may_take(
    private_redis: PrivateRedis,
) -> None:
    private_redis.running.pause()
    began = time.monotonic()
    async with RedisCache(private_redis.url, Telemetry(), connect_limit=0.2, pause=0.05).opened() as cache:
        assert await cache.get("key") is None
        assert time.monotonic() - began < 2
        with pytest.raises(TimeoutError):
            await cache.ping()
        private_redis.running.resume()
        await eventually(lambda: _kept(cache, "key", b"1"), within=10)


async def test_where_one_connection_was_cut_the_others_are_not_tried_one_by_one(private_redis: PrivateRedis) -> None:
    telemetry = Telemetry()
    async with behind_a_proxy(private_redis, telemetry, **SLOW) as (cache, proxy):
        proxy.faults.latency = 0.05

        async def many() -> bool:
            await asyncio.gather(*(cache.get("key") for _ in range(30)))
            return proxy.connections > 8

        await eventually(many, within=20)
        proxy.faults.latency = 0.15
        before = failures(telemetry)
        proxy.reset_all()
        await eventually(lambda: _kept(cache, "key", b"1"), within=20)
        await asyncio.gather(*(cache.get("key") for _ in range(30)))
        assert failures(telemetry) - before <= 2


async def test_it_is_away_until_it_answers_again(private_redis: PrivateRedis) -> None:
    async with RedisCache(private_redis.url, Telemetry(), time_limit=1.0).opened() as cache:
        await cache.ping()
        private_redis.running.kill()
        for _ in range(3):
            with pytest.raises((RedisError, OSError)):
                await cache.ping()
        private_redis.start()
        await cache.ping()
        await cache.ping()


async def test_a_crowd_that_waits_for_a_connection_in_vain_is_no_failure(private_redis: PrivateRedis) -> None:
    telemetry = Telemetry()
    async with behind_a_proxy(private_redis, telemetry, time_limit=0.5, pause=60.0) as (cache, proxy):
        proxy.faults.latency = 0.15
        told = await asyncio.gather(*(cache.get("key") for _ in range(400)))
        assert told == [None] * 400
        assert failures(telemetry) == 0
        proxy.faults.latency = 0.0
        await eventually(lambda: _kept(cache, "key", b"1"), within=5)


def failures(telemetry: Telemetry) -> float:
    return counted(telemetry, "acerto_cache_failures_total", cache="redis")


async def _kept(cache: RedisCache, key: str, value: bytes) -> bool:
    await cache.put(key, value, 60)
    return await cache.get(key) == value


async def test_what_redis_refuses_costs_no_connection(private_redis: PrivateRedis) -> None:
    telemetry = Telemetry()
    async with (
        RedisCache(private_redis.url, telemetry, prefix="", time_limit=1.0, pause=0.0).opened() as cache,
        Redis.from_url(private_redis.url) as own,
    ):
        await own.lpush("no-answer", "1")
        before = (await own.info("stats"))["total_connections_received"]
        for _ in range(20):
            assert await cache.get("no-answer") is None
        assert (await own.info("stats"))["total_connections_received"] == before
    assert failures(telemetry) == 20
