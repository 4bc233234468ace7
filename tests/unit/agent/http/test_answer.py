"""Values as JSON answers."""

from __future__ import annotations

import asyncio
import json

import msgspec

from agent.http import answer
from collectors.model import Container


class Inner(msgspec.Struct):
    started_at: float | None
    cpu: float = 1.5


class Outer(msgspec.Struct):
    time: float
    parts: list[Inner]


async def test_long_arrays_are_whole_and_give_way() -> None:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    for count in (0, 1, 100, 101, 1000):
        async with asyncio.TaskGroup() as group:
            task = group.create_task(other())
            body = (await answer.array(range(count), str)).body
            task.cancel()
        assert isinstance(body, bytes)
        assert json.loads(body) == [str(number) for number in range(count)]
    assert turns > 10


def test_a_container_has_readable_times_and_nulls() -> None:
    shown = answer.container(Container(id="/x", name="x", engine="e", started_at=1.5))
    assert (shown["started_at"], shown["finished_at"]) == ("1970-01-01T00:00:01.500000Z", None)
    assert shown["limits"] == {"cpus": None, "memory": None, "memory_high": None, "swap": None, "pids": None}


def test_times_become_readable_and_numbers_stay() -> None:
    assert answer.readable(Outer(0, [Inner(1.5), Inner(None)])) == {
        "time": "1970-01-01T00:00:00.000000Z",
        "parts": [
            {"started_at": "1970-01-01T00:00:01.500000Z", "cpu": 1.5},
            {"started_at": None, "cpu": 1.5},
        ],
    }
    assert answer.json([1], 201).status == 201
