"""Long work leaves others their turn."""

from __future__ import annotations

import asyncio
import time

from agent.exposition.turns import SLICE, Turns


async def test_others_run_while_work_goes_on() -> None:
    ran = 0

    async def other() -> None:
        nonlocal ran
        while True:
            ran += 1
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(other())
        turns = Turns()
        end = time.perf_counter() + 20 * SLICE
        while time.perf_counter() < end:
            await turns.others()
        task.cancel()
    assert 2 <= ran <= 25


async def test_within_a_slice_nobody_else_runs() -> None:
    ran: list[str] = []
    asyncio.get_running_loop().call_soon(ran.append, "other")
    await Turns().others()
    assert not ran
