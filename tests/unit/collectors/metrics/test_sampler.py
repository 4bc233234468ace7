"""The sampler: one pass for all who ask, in slices, with every container told once."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from typing import Any

import pytest

from collectors.metrics import catalogue
from collectors.metrics import sampler as module
from collectors.metrics.catalogue import INDEX
from collectors.metrics.sampler import Sampler
from collectors.model import Container, Entry

USAGE = INDEX[catalogue.MEMORY_USAGE]


def _entry(id: str, **more: Any) -> Entry:
    return Entry(container=Container(id=id, name=id.rpartition("/")[2], engine="test"), **more)


@pytest.fixture
async def sampler(either: Any) -> AsyncIterator[Sampler]:
    before = len(os.listdir("/proc/self/fd"))
    either.process(1)
    made = Sampler(either.hierarchies, proc=either.host.proc, sys=either.host.sys)
    yield made
    made.close()
    assert len(os.listdir("/proc/self/fd")) == before


async def test_the_root_first_then_each_container_under_its_labels(sampler: Sampler, either: Any) -> None:
    for path in ("/a", "/b"):
        either.make(path)
        sampler.add(_entry(path), f'id="{path}",name="x"')
    sampler.track("/a/unknown")
    reading = await sampler.read()
    assert [(row.id, row.labels) for row in reading.rows] == [
        ("/", 'id="/"'),
        ("/a", 'id="/a",name="x"'),
        ("/b", 'id="/b",name="x"'),
    ]
    assert set(reading.durations) >= {"cpu", "memory", "network"}
    assert reading.vanished == 0 and reading.errors == {}


async def test_new_labels_take_the_place_of_the_old(sampler: Sampler, either: Any) -> None:
    either.make("/a")
    sampler.add(_entry("/a"), "old")
    sampler.add(_entry("/a"), "new")
    assert [row.labels for row in (await sampler.read()).rows] == ['id="/"', "new"]


async def test_entries_without_a_cgroup_of_their_own_are_not_read(sampler: Sampler) -> None:
    sampler.add(_entry(""), "none")
    sampler.add(_entry("/"), "root")
    assert [row.labels for row in (await sampler.read()).rows] == ['id="/"']


async def test_a_removed_container_is_in_no_pass_and_holds_nothing(sampler: Sampler, either: Any) -> None:
    either.make("/a")
    sampler.add(_entry("/a"), "a")
    await sampler.read()
    kept = sampler.descriptors.kept
    sampler.remove("/a")
    sampler.remove("/a")
    assert sampler.descriptors.kept < kept
    await asyncio.sleep(module._REUSE)
    assert [row.id for row in (await sampler.read()).rows] == ["/"]


async def test_a_vanished_one_costs_its_own_row_alone_and_may_come_again(
    sampler: Sampler, either: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_REUSE", 0.0)
    either.make("/b")
    for path in ("/a", "/b"):
        sampler.add(_entry(path), path)
    reading = await sampler.read()
    assert [row.id for row in reading.rows] == ["/", "/b"] and reading.vanished == 1
    assert (await sampler.read()).vanished == 0
    either.make("/a")
    sampler.add(_entry("/a"), "/a")
    assert {row.id for row in (await sampler.read()).rows} == {"/", "/a", "/b"}


async def test_one_that_nobody_removed_is_found_again_in_a_while(
    sampler: Sampler, either: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_REUSE", 0.0)
    monkeypatch.setattr(module, "_LOOK_AGAIN", 0.0)
    sampler.add(_entry("/a"), "/a")
    assert (await sampler.read()).vanished == 1
    assert (await sampler.read()).vanished == 0
    either.make("/a")
    assert [row.id for row in (await sampler.read()).rows] == ["/", "/a"]


async def test_one_reading_for_all_who_ask_meanwhile_and_for_a_moment_after(
    sampler: Sampler, either: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    either.make("/a")
    sampler.add(_entry("/a"), "a")
    monkeypatch.setattr(module, "_SLICE", 0.0)
    first, second = await asyncio.gather(sampler.read(), sampler.read())
    assert first is second
    assert await sampler.read() is first
    monkeypatch.setattr(module, "_REUSE", 0.0)
    assert await sampler.read() is not first


async def test_who_leaves_in_the_middle_of_a_pass_takes_nobody_along(
    sampler: Sampler, either: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    either.make("/a")
    sampler.add(_entry("/a"), "a")
    monkeypatch.setattr(module, "_SLICE", 0.0)
    async with asyncio.TaskGroup() as group:
        leaving = group.create_task(sampler.read())
        staying = group.create_task(sampler.read())
        await asyncio.sleep(0)
        leaving.cancel()
    assert [row.id for row in staying.result().rows] == ["/", "/a"]


async def test_the_loop_has_its_turn_during_a_pass(
    sampler: Sampler, either: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        either.make(f"/{number}")
        sampler.add(_entry(f"/{number}"), str(number))
    monkeypatch.setattr(module, "_SLICE", 0.0)
    turns = 0
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(sampler.read())
        while not reading.done():
            turns += 1
            if turns == 5:
                sampler.remove("/19")
            await asyncio.sleep(0)
    assert turns >= 20
    assert [row.id for row in reading.result().rows] == ["/", *(f"/{number}" for number in range(19))]


async def test_a_final_reading_of_a_cgroup_known_by_its_path_alone(sampler: Sampler, either: Any) -> None:
    sampler.track("/a")
    assert sampler.read_one("/a") is None
    either.make("/a")
    row = sampler.read_one("/a")
    assert row is not None and row.final and row.values[USAGE] == 12288 and row.labels == ""
    assert sampler.read_one("/never") is None


async def test_errors_are_those_since_the_last_reading(
    sampler: Sampler, either: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_REUSE", 0.0)
    either.make("/a")
    either.write("pids", "/a", "pids.current", "many\n")
    sampler.add(_entry("/a"), "a")
    assert (await sampler.read()).errors == {"pids": 1}
    sampler.read_one("/a")
    assert (await sampler.read()).errors == {"pids": 2}


async def test_support_and_processes(sampler: Sampler, either: Any) -> None:
    either.make("/a")
    assert sampler.processes("/a") == [10, 11]
    assert sampler.processes("/gone") == []
    assert bool(sampler.support()["pressure"]) == (either.version == 1)
