"""What was begun is brought to its end."""

from __future__ import annotations

import asyncio

import pytest

from agent.http.finish import finish


async def test_the_answer_and_the_error_come_through() -> None:
    async def good() -> int:
        return 3

    async def bad() -> int:
        raise ValueError("no")

    assert await finish(good()) == 3
    with pytest.raises(ValueError, match="no"):
        await finish(bad())


async def test_a_client_that_goes_away_does_not_stop_it() -> None:
    begun, let_go, ended = asyncio.Event(), asyncio.Event(), []

    async def work() -> None:
        begun.set()
        await let_go.wait()
        ended.append(True)

    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        task = group.create_task(finish(work()))
        await begun.wait()
        task.cancel()
        await asyncio.sleep(0)
        assert not task.done()
        let_go.set()
        await asyncio.wait([task])
    assert task.cancelled()
    assert ended == [True]


async def test_a_second_cancellation_ends_it() -> None:
    begun = asyncio.Event()

    async def work() -> None:
        begun.set()
        await asyncio.Event().wait()

    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        task = group.create_task(finish(work()))
        await begun.wait()
        for _ in range(2):
            task.cancel()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        await asyncio.wait([task])
    assert task.cancelled()
