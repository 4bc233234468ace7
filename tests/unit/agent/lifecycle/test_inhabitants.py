"""A process of a cgroup is watched from the moment there is one."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable, Iterator

import pytest

from agent.lifecycle.exits import ExitWatch
from agent.lifecycle.inhabitants import Inhabitants

ID = "/some/cgroup"


class House:
    """One cgroup in memory, and whose end was told."""

    def __init__(self) -> None:
        self.pids: list[int] = []
        self.asked = 0
        self.ended: list[int] = []
        self.exits = ExitWatch(lambda id, pid, pidfd: self.ended.append(pid))
        self.inhabitants = Inhabitants(self.exits, self._inside)

    def _inside(self, id: str) -> list[int]:
        self.asked += 1
        return self.pids


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.001)


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["sleep", "60"])
    yield process
    process.kill()
    process.wait()


async def test_one_that_comes_a_little_later_is_found(sleeper: subprocess.Popen[bytes]) -> None:
    house = House()
    house.inhabitants.follow(ID)
    await until(lambda: house.asked >= 3)
    house.pids = [sleeper.pid]
    await until(lambda: house.exits.pid(ID) == sleeper.pid)
    sleeper.kill()
    await until(lambda: house.ended == [sleeper.pid])


async def test_one_that_has_ended_already_is_passed_over(sleeper: subprocess.Popen[bytes]) -> None:
    house = House()
    gone = subprocess.Popen(["true"])
    gone.wait()
    house.pids = [gone.pid, sleeper.pid]
    assert house.inhabitants.pick(ID)
    assert house.exits.pid(ID) == sleeper.pid
    house.exits.close()


async def test_nobody_is_looked_for_any_more_once_it_is_forgotten() -> None:
    house = House()
    house.inhabitants.follow(ID)
    house.inhabitants.follow("/other")
    house.inhabitants.forget(ID)
    house.inhabitants.close()
    asked = house.asked
    await asyncio.sleep(0.01)
    assert house.asked == asked


async def test_what_stays_empty_is_left_alone_in_the_end() -> None:
    house = House()
    assert not house.inhabitants.pick(ID)
    house.inhabitants.follow(ID)
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await until(lambda: house.asked == 12)
    assert loop.time() - begun < 5
    await asyncio.sleep(0.01)
    assert house.asked == 12
