"""Calls come back in order, and one that hangs holds up nothing but its lane."""

from __future__ import annotations

import asyncio
import threading

import pytest

from agent.shipping.lane import Busy, Lane


async def test_results_and_errors_come_back() -> None:
    lane = Lane("test")
    assert await lane.call(lambda: threading.current_thread().name) == "test"
    assert await lane.call(lambda: threading.current_thread().daemon)
    with pytest.raises(OSError, match="full"):
        await lane.call(lambda: _raise(OSError("full")))
    assert await lane.call(lambda: 1) == 1
    lane.close()


async def test_a_call_that_hangs_is_left_and_followed_by_none() -> None:
    lane, gate, ended = Lane("test"), threading.Event(), threading.Event()

    def hang() -> None:
        gate.wait(20)
        ended.set()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await lane.call(hang)
    with pytest.raises(Busy):
        await lane.call(lambda: None)
    gate.set()
    async with asyncio.timeout(20):
        while True:
            try:
                assert await lane.call(lambda: "after") == "after"
                break
            except Busy:
                await asyncio.sleep(0)
    assert ended.is_set()
    lane.close()


def _raise(error: BaseException) -> None:
    raise error
