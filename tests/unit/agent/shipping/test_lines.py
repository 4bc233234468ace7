"""Every record becomes one line, and others get their turn meanwhile."""

from __future__ import annotations

import asyncio

from agent.shipping.lines import json_form, rendered
from collectors.logs.jsonline import JsonLines
from tests.unit.agent.shipping.sinks import batch, pod_target, record


async def test_lines_come_in_order_and_the_loop_turns_between_them() -> None:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    texts = [str(number) for number in range(1000)]
    async with asyncio.TaskGroup() as tasks:
        turning = tasks.create_task(other())
        lines = await rendered([batch(texts), batch(["last"], container="other")], json_form)
        turning.cancel()
    assert turns >= 4
    assert lines[7] == JsonLines(pod_target()).line(record("7", 7)) + b"\n"
    assert len(lines) == 1001
    assert b'"container":"other"' in lines[-1]
