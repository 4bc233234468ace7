from __future__ import annotations

import asyncio
import json
import pathlib
import sys
import time
from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest

from agent.logs import stream as logstream
from agent.logs.query import Queries, QueryLimits, QueryRefused
from agent.logs.stream import Live, Refusal, Subscription, records
from collectors.logs.cursor import Cursor
from collectors.logs.query import LogQuery
from collectors.logs.record import LogTarget
from collectors.model import LogSource
from tests.unit.collectors.logs.logfile import LogFile


@pytest.fixture
def log(tmp_path: pathlib.Path) -> LogFile:
    log = LogFile(tmp_path / "x.log")
    log.time = time.time_ns() - 3_600_000_000_000
    return log


@pytest.fixture
def queries(tmp_path: pathlib.Path) -> Queries:
    return Queries(QueryLimits(), str(tmp_path), sys.executable)


def target(log: LogFile, id: str = "/x", runs: list[tuple[int, float]] | None = None) -> LogTarget:
    return LogTarget(
        id=id, source=LogSource(path=str(log.path), format="cri"), container={"id": id}, runs=runs or []
    )


def subscribed(
    *targets: LogTarget, match: Callable[[LogTarget], bool] | None = None, **words: Any
) -> Subscription:
    subscription = Subscription(1, LogQuery(targets=list(targets), **words), match)
    subscription.started()
    return subscription


async def live(queries: Queries, one: LogTarget) -> list[Live]:
    """What the worker would send of all that the files hold."""
    query = LogQuery(targets=[one], direction="forward", limit=100_000)
    return [logstream._live(line) async for line in queries.lines(query)]


async def told(stream: AsyncGenerator[tuple[str, bytes], None], count: int) -> tuple[list[str], str]:
    """The next messages and the cursor behind them."""
    messages: list[str] = []
    cursor = ""
    async with asyncio.timeout(10):
        while len(messages) < count:
            cursor, line = await anext(stream)
            messages.append(json.loads(line)["message"])
    return messages, cursor


async def silent(stream: AsyncGenerator[tuple[str, bytes], None]) -> bool:
    """Whether nothing is waiting; the stream is over afterwards."""
    try:
        async with asyncio.timeout(0.3):
            await anext(stream)
    except TimeoutError:
        return True
    return False


async def test_the_newest_first_from_the_files_then_live_each_once(log: LogFile, queries: Queries) -> None:
    log.numbers(10)
    log.time = time.time_ns()
    log.numbers(2)
    subscription = subscribed(target(log), tail_per_container=3)
    for record in (await live(queries, target(log)))[-2:]:
        subscription.put(record)
    stream = records(subscription, queries, None)
    assert (await told(stream, 3))[0] == ["number 9", "number 10", "number 11"]
    log.numbers(2)
    for record in await live(queries, target(log)):
        subscription.put(record)
    assert (await told(stream, 2))[0] == ["number 12", "number 13"]
    assert await silent(stream)


async def test_without_a_wish_only_what_comes_is_told(log: LogFile, queries: Queries) -> None:
    log.numbers(3)
    subscription = subscribed(target(log))
    stream = records(subscription, queries, None)
    waiting = asyncio.ensure_future(told(stream, 1))
    await asyncio.sleep(0)
    log.time = time.time_ns() + 1_000_000_000
    log.numbers(1)
    for record in await live(queries, target(log)):
        subscription.put(record)
    assert (await waiting)[0] == ["number 3"]


async def test_since_a_time_everything_is_told_page_by_page(
    log: LogFile, queries: Queries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logstream, "_PAGE", 300)
    log.numbers(5000)
    stream = records(subscribed(target(log), since=log.time / 1e9 - 3.0005), queries, None)
    assert (await told(stream, 3001))[0] == [f"number {number}" for number in range(1999, 5000)]


async def test_a_cursor_resumes_where_it_was_taken(log: LogFile, queries: Queries) -> None:
    log.numbers(10)
    stream = records(subscribed(target(log), since=0), queries, None)
    _, cursor = await told(stream, 4)
    await stream.aclose()
    log.numbers(2)
    stream = records(subscribed(target(log)), queries, Cursor.decoded(cursor))
    assert (await told(stream, 8))[0] == [f"number {number}" for number in range(4, 12)]
    assert await silent(stream)


async def test_after_a_new_worker_the_files_are_read_again(log: LogFile, queries: Queries) -> None:
    log.numbers(5)
    subscription = subscribed(target(log), tail_per_container=1)
    stream = records(subscription, queries, None)
    assert (await told(stream, 1))[0] == ["number 4"]
    log.numbers(3)
    subscription.started()
    assert (await told(stream, 3))[0] == ["number 5", "number 6", "number 7"]
    for record in await live(queries, target(log)):
        subscription.put(record)
    assert await silent(stream)


async def test_a_container_that_matches_joins(log: LogFile, queries: Queries) -> None:
    subscription = subscribed(match=lambda one: one.id.startswith("/web"))
    log.time = time.time_ns()
    young = target(log, "/web", [(1, time.time() + 1)])
    assert subscription.join([young, target(log, "/db")]) == {"/web"}
    assert subscription.join([young]) == set()
    stream = records(subscription, queries, None)
    waiting = asyncio.ensure_future(told(stream, 1))
    await asyncio.sleep(0)
    log.time = time.time_ns() + 1_000_000_000
    log.numbers(1)
    for record in await live(queries, young):
        subscription.put(record)
    assert (await waiting)[0] == ["number 0"]


async def test_one_that_was_there_before_it_was_known_is_read_from_its_files(
    log: LogFile, queries: Queries
) -> None:
    log.numbers(5)
    subscription = subscribed(match=lambda one: True)
    old = target(log, "/web", [(1, 5.0)])
    assert subscription.join([old]) == {"/web"}
    stream = records(subscription, queries, Cursor(log.time - 2_000_000))
    assert (await told(stream, 3))[0] == ["number 2", "number 3", "number 4"]


async def test_a_reader_that_is_too_slow_is_told_so(
    log: LogFile, queries: Queries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logstream, "MAX_QUEUED", 3)
    log.time = time.time_ns() + 1_000_000_000
    log.numbers(5)
    subscription = subscribed(target(log))
    for record in await live(queries, target(log)):
        subscription.put(record)
    stream = records(subscription, queries, None)
    assert len((await told(stream, 3))[0]) == 3
    with pytest.raises(QueryRefused, match="slow") as refused:
        await anext(stream)
    assert refused.value.reason == "slow"


async def test_without_a_worker_the_files_are_told_and_once_more_when_it_is_there(
    log: LogFile, queries: Queries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logstream, "_PATIENCE", 0.05)
    log.numbers(3)
    subscription = Subscription(1, LogQuery(targets=[target(log)], tail_per_container=1), None)
    stream = records(subscription, queries, None)
    assert (await told(stream, 1))[0] == ["number 2"]
    log.numbers(1)
    subscription.started()
    assert (await told(stream, 1))[0] == ["number 3"]


async def test_a_container_whose_cgroup_was_never_seen_is_told_by_its_engines_id(
    log: LogFile, queries: Queries
) -> None:
    log.numbers(2)
    ended = LogTarget(
        id="abc123", source=LogSource(path=str(log.path), format="cri"), container={"engine_id": "abc123"}
    )
    assert [one[0] for one in await live(queries, ended)] == ["abc123", "abc123"]


async def test_what_the_worker_refuses_is_told(log: LogFile, queries: Queries) -> None:
    subscription = subscribed(target(log))
    subscription.put(Refusal("slow", "the reader is slow: 8 MiB"))
    with pytest.raises(QueryRefused, match="8 MiB"):
        await anext(records(subscription, queries, None))
