"""What the scheduler counts, added up over processes and threads."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest

from collectors.metrics import catalogue, sched
from collectors.metrics.catalogue import INDEX
from collectors.metrics.plan import Census
from collectors.metrics.rows import Value
from collectors.metrics.sampler import Sampler
from collectors.model import Container, Entry
from runtime.linux.errors import NotSupported


class Processes:
    """Threads of processes under a recorded /proc."""

    def __init__(self, proc: str) -> None:
        self._proc = pathlib.Path(proc)
        self.write("self", "self", "1 1 1")

    def write(self, pid: int | str, thread: int | str, content: str) -> None:
        directory = self._proc / f"{pid}/task/{thread}"
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "schedstat").write_text(content + "\n")
        if pid == thread:
            (self._proc / f"{pid}/schedstat").write_text(content + "\n")

    def end(self, pid: int, thread: int) -> None:
        directory = self._proc / f"{pid}/task/{thread}"
        (directory / "schedstat").unlink()
        directory.rmdir()


@pytest.fixture
def processes(v1: Any) -> Processes:
    return Processes(v1.host.proc)


def _told(census: Census, *pids: int) -> list[Value]:
    values: list[Value] = [None] * len(catalogue.ROW)
    census.count("/a", lambda: pids, values)
    return [values[INDEX[family]] for family in catalogue.SCHED]


def test_threads_of_all_processes_are_in_it_and_stay_in_it(v1: Any, processes: Processes) -> None:
    (census,) = sched.probe(v1.host)
    processes.write(10, 10, "1000000000 500000000 3")
    processes.write(11, 11, "2000000000 0 4")
    processes.write(11, 12, "4000000000 0 5")
    assert _told(census, 10, 11, 99) == [7.0, 0.5, 12]
    processes.end(11, 12)
    processes.write(10, 10, "1500000000 500000000 4")
    assert _told(census, 10, 11) == [7.5, 0.5, 13]
    assert _told(census) == [7.5, 0.5, 13]
    census.forget("/a")
    assert _told(census) == [None, None, None]


def test_a_kernel_without_it_says_why(v1: Any) -> None:
    with pytest.raises(NotSupported, match="CONFIG_SCHED_INFO"):
        sched.probe(v1.host)


def test_a_kernel_that_does_not_count_says_why(v1: Any, processes: Processes) -> None:
    processes.write("self", "self", "0 0 0")
    with pytest.raises(NotSupported, match="boot with delayacct"):
        sched.probe(v1.host)


def test_a_broken_file_is_an_error(v1: Any, processes: Processes) -> None:
    (census,) = sched.probe(v1.host)
    processes.write(10, 10, "x")
    with pytest.raises(ValueError):
        _told(census, 10)


async def test_a_sampler_asks_for_the_processes_of_containers_but_not_of_the_root(either: Any) -> None:
    host = either.host
    processes = Processes(host.proc)
    processes.write(10, 10, "1000000000 0 1")
    processes.write(11, 11, "2000000000 0 2")
    either.make("/a")
    sampler = Sampler(host.hierarchies, proc=host.proc, sys=host.sys, collectors={"sched": True})
    try:
        sampler.add(Entry(container=Container(id="/a", name="a", engine="test")), 'id="/a"')
        periods = INDEX[catalogue.SCHED_RUN_PERIODS]
        reading = await sampler.read()
        assert [row.values[periods] for row in reading.rows] == [None, 3]
        assert reading.durations["sched"] > 0 and not reading.errors
        # Who is removed is forgotten: a container that comes into its place begins with what it has.
        sampler.remove("/a")
        processes.end(11, 11)
        sampler.track("/a")
        row = sampler.read_one("/a")
        assert row is not None and row.values[periods] == 1
    finally:
        sampler.close()
