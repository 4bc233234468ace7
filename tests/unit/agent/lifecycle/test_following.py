"""The kernel's word alone: who is read, and the final reading."""

from __future__ import annotations

import asyncio
import os
import pathlib
import subprocess
from dataclasses import replace

from msgspec import structs

from agent.lifecycle.following import Following
from agent.lifecycle.life import Life
from agent.lifecycle.newcomers import Newcomers
from agent.lifecycle.roster import Roster
from collectors.metrics import catalogue
from collectors.metrics.rows import Row
from collectors.model import Role
from tests.unit.agent.lifecycle.test_story import CPU, ID, RUNNING, Host, with_pid

THREADS = catalogue.INDEX[catalogue.THREADS]


class Desk:
    """A following with everything around it, and what it told."""

    def __init__(self) -> None:
        self.host = Host()
        self.roster = Roster()
        self.finals: list[Row] = []
        self.ended: list[tuple[Life, Row | None, float | None]] = []
        self.missed = 0
        self.now = 1000.0
        self.newcomers = Newcomers(self.host)
        self.following = Following(
            self.roster, sampler=self.host, newcomers=self.newcomers, finals=self, labels_of=lambda entry: "labels",
            add=self.host.add, missed=self.miss, count=lambda life, row: None,
            ended=lambda life, row, at: self.ended.append((life, row, at)), clock=lambda: self.now,
        )  # fmt: skip

    def add(self, row: Row) -> None:
        self.finals.append(row)

    def miss(self) -> None:
        self.missed += 1

    def life(self) -> Life:
        one = Life(RUNNING, None, run=1, alive=True)  # type: ignore[arg-type]
        self.roster.put(one)
        return one


async def test_a_container_is_read_at_once_and_then_in_each_scrape(tmp_path: pathlib.Path) -> None:
    desk = Desk()
    one = desk.life()
    desk.following.follow(one)
    assert desk.host.added == {ID: "labels"} and one.first is not None


async def test_a_process_that_is_gone_already_ends_it_with_a_reading() -> None:
    desk = Desk()
    child = subprocess.Popen(["true"])
    one = desk.life()
    one.entry = with_pid(RUNNING, child.pid)
    child.wait()
    desk.following.follow(one)
    [(life, row, _)] = desk.ended
    assert life is one and row is not None


async def test_what_ended_unnamed_is_told_with_the_reading_of_its_end() -> None:
    desk = Desk()
    desk.newcomers.created(ID)
    desk.newcomers.removed(ID)
    desk.host.there.clear()
    one = desk.life()
    desk.following.follow(one)
    [(_, row, at)] = desk.ended
    assert row is not None and at is not None and desk.host.added == {}


async def test_the_first_reading_stands_in_for_a_final_one_that_came_too_late() -> None:
    desk = Desk()
    one = desk.life()
    desk.following.follow(one)
    desk.following.finish(one, None)
    assert desk.missed == 1 and not one.in_time
    assert desk.finals[0].final and desk.finals[0].values[CPU] == 1.5
    assert desk.host.added == {}


async def until_watched(desk: Desk, pid: int) -> None:
    async with asyncio.timeout(10):
        while desk.following._exits.pid(ID) != pid:
            await asyncio.sleep(0.001)


async def test_a_plain_cgroup_is_read_when_its_last_process_ends_and_goes_on() -> None:
    desk = Desk()
    one = desk.life()
    desk.following.follow(one)
    child = subprocess.Popen(["sleep", "60"])
    desk.host.pids = [child.pid]  # filled only after its creation
    await until_watched(desk, child.pid)
    desk.host.pids = []
    child.kill()
    child.wait()
    async with asyncio.timeout(10):
        while one.final is None:
            await asyncio.sleep(0.001)
    assert desk.host.added == {ID: "labels"} and desk.ended == []
    desk.host.there.clear()
    desk.following.finish(one, None)
    assert desk.missed == 0 and desk.finals[0].final
    desk.following.close()


async def test_a_process_that_comes_late_into_a_plain_cgroup_is_followed_from_the_next_reading_on() -> None:
    desk = Desk()
    desk.now += 3600
    one = desk.life()
    desk.following.follow(one)
    child = subprocess.Popen(["sleep", "60"])
    desk.host.pids = [child.pid]
    assert desk.following._exits.pid(ID) == 0
    row = desk.host.row()
    desk.following.has_read(one, row)
    assert desk.following._exits.pid(ID) == 0
    desk.following.has_read(one, with_value(row, THREADS, 1))
    assert desk.following._exits.pid(ID) == child.pid
    desk.following.close()
    child.kill()
    child.wait()


async def test_the_latest_whole_reading_stands_in_for_a_final_one_that_came_too_late() -> None:
    desk = Desk()
    one = desk.life()
    desk.following.follow(one)
    desk.following.has_read(one, replace(with_value(desk.host.row(), CPU, 7.5), time=200.0))
    desk.following.finish(one, replace(with_value(desk.host.row(), CPU, None), time=300.0))
    assert desk.missed == 1
    assert desk.finals[0].values[CPU] == 7.5


def with_value(row: Row, index: int, value: float | None) -> Row:
    values = list(row.values)
    values[index] = value
    return replace(row, values=values)


async def test_a_service_that_was_empty_for_a_moment_before_it_was_named_goes_on() -> None:
    desk = Desk()
    desk.newcomers.created(ID)
    desk.newcomers.removed(ID)
    one = desk.life()
    service = structs.replace(RUNNING.container, role=Role.SERVICE)
    one.entry = structs.replace(RUNNING, container=service)
    desk.following.follow(one)
    assert desk.ended == [] and desk.host.added == {ID: "labels"}
    desk.following.close()


async def test_a_container_whose_own_process_runs_goes_on_too() -> None:
    desk = Desk()
    desk.newcomers.created(ID)
    desk.newcomers.removed(ID)
    one = desk.life()
    one.entry = with_pid(RUNNING, os.getpid())
    desk.following.follow(one)
    assert desk.ended == [] and desk.host.added == {ID: "labels"}
    desk.following.close()


async def test_a_pod_that_was_removed_with_its_containers_misses_no_final_reading() -> None:
    desk = Desk()
    one = desk.life()
    one.entry = structs.replace(RUNNING, container=structs.replace(RUNNING.container, role=Role.POD))
    desk.following.follow(one)
    latest = replace(desk.host.row(), time=200.0)
    desk.following.has_read(one, latest)
    desk.following.finish(one, None)
    assert desk.missed == 0 and [row.time for row in desk.finals] == [200.0]


async def test_a_process_that_only_waits_to_be_reaped_does_not_go_on() -> None:
    desk = Desk()
    desk.newcomers.created(ID)
    desk.newcomers.removed(ID)
    child = subprocess.Popen(["true"])
    try:
        status = pathlib.Path(f"/proc/{child.pid}/stat")
        async with asyncio.timeout(5):
            while ") Z" not in status.read_text():
                await asyncio.sleep(0.002)
        one = desk.life()
        one.entry = with_pid(RUNNING, child.pid)
        desk.following.follow(one)
        [(life, row, _)] = desk.ended
        assert life is one and row is not None
    finally:
        child.wait()
