from __future__ import annotations

import asyncio
import errno
import gc
import pathlib
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import msgspec
import pytest

from agent.logs import readers as logreaders
from agent.logs.readers import Readers
from collectors.logs.positions import Positions, Progress
from collectors.logs.record import LogTarget
from collectors.logs.rule import LogMetric, Rule
from collectors.logs.wire import Report, ToAgent, Trouble, framed, to_agent
from collectors.model import LogSource
from runtime.linux.errors import KernelError
from tests.unit.collectors.logs.logfile import LogFile


class Agent:
    """What the readers told."""

    def __init__(self) -> None:
        self.messages: list[ToAgent] = []

    def hear(self, message: ToAgent) -> None:
        self.messages.append(to_agent.decode(framed(message)[4:]))

    def lines(self, id: str = "/x") -> int:
        last = 0
        for message in self.messages:
            for counted in message.counted if isinstance(message, Report) else ():
                last = counted.counters.lines["stdout"] if counted.id == id else last
        return last

    def troubles(self) -> list[str]:
        return [message.event for message in self.messages if isinstance(message, Trouble)]


def target(log: LogFile, *, format: str = "cri", runs: list[tuple[int, float]] | None = None) -> LogTarget:
    return LogTarget(
        id="/x", source=LogSource(path=str(log.path), format=format), container={}, runs=runs or []
    )


@pytest.fixture
def log(tmp_path: pathlib.Path) -> LogFile:
    (tmp_path / "logs").mkdir()
    return LogFile(tmp_path / "logs" / "x.log")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logreaders, "COMMIT", 0.02)
    monkeypatch.setattr(logreaders, "GATHER", 0.01)


@asynccontextmanager
async def reading(
    tmp_path: pathlib.Path, agent: Agent, start_at: str | float = "beginning"
) -> AsyncIterator[Readers]:
    positions = Positions(str(tmp_path / "positions.db"), Progress)
    readers = Readers(positions, start_at, str(tmp_path), agent.hear)
    task = asyncio.ensure_future(readers.run())
    try:
        yield readers
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        positions.close()


async def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.01)


async def test_what_is_written_is_told_and_kept(tmp_path: pathlib.Path, log: LogFile) -> None:
    agent = Agent()
    log.numbers(5)
    async with reading(tmp_path, agent) as readers:
        readers.follow(target(log))
        await until(lambda: agent.lines() == 5)
        log.numbers(5)
        await until(lambda: agent.lines() == 10)
    log.numbers(5)
    again = Agent()
    async with reading(tmp_path, again) as readers:
        readers.follow(target(log))
        await until(lambda: again.lines() == 15)


async def test_without_inotify_polling_is_enough(
    tmp_path: pathlib.Path, log: LogFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logreaders, "POLL_BLIND", 0.05)

    def refused() -> None:
        raise KernelError("create", "an inotify instance", errno.EMFILE)

    monkeypatch.setattr("collectors.logs.watcher.Directories", refused)
    agent = Agent()
    async with reading(tmp_path, agent) as readers:
        readers.follow(target(log))
        log.numbers(5)
        await until(lambda: agent.lines() == 5)
    assert "logs_not_watched" in agent.troubles()


async def test_a_directory_that_comes_later_is_read_and_nobody_is_troubled(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logreaders, "POLL_BLIND", 0.05)
    agent = Agent()
    async with reading(tmp_path, agent) as readers:
        path = tmp_path / "later" / "x.log"
        readers.follow(LogTarget(id="/x", source=LogSource(path=str(path), format="cri"), container={}))
        path.parent.mkdir()
        LogFile(path).numbers(5)
        await until(lambda: agent.lines() == 5)
    assert not agent.troubles()


async def test_a_burst_is_followed_closely(
    tmp_path: pathlib.Path, log: LogFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logreaders, "GATHER_UNSEEN", 60.0)
    monkeypatch.setattr(logreaders, "POLL", 60.0)
    agent = Agent()
    async with reading(tmp_path, agent) as readers:
        log.numbers(5)
        readers.follow(target(log))
        await until(lambda: agent.lines() == 5)
        log.numbers(50_000)
        await until(lambda: agent.lines() == 50_005)
        # The event of these lines is heard a minute later.
        log.numbers(50_000)
        await until(lambda: agent.lines() == 100_005)


async def test_polling_finds_what_inotify_missed(
    tmp_path: pathlib.Path, log: LogFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logreaders, "POLL", 0.05)
    monkeypatch.setattr("collectors.logs.watcher.Watcher.happened", lambda self: iter(()))
    agent = Agent()
    async with reading(tmp_path, agent) as readers:
        readers.follow(target(log))
        await until(lambda: len(agent.messages) > 0)
        log.numbers(5)
        await until(lambda: agent.lines() == 5)


async def test_a_container_that_comes_back_goes_on_where_it_was(tmp_path: pathlib.Path, log: LogFile) -> None:
    agent = Agent()
    async with reading(tmp_path, agent) as readers:
        readers.follow(target(log))
        log.numbers(5)
        await until(lambda: agent.lines() == 5)
        readers.leave("/x")
        readers.leave("/x")
        log.numbers(5)
        readers.follow(target(log))
        await until(lambda: agent.lines() == 10)


async def test_at_the_end_only_the_young_are_read_whole(tmp_path: pathlib.Path, log: LogFile) -> None:
    agent = Agent()
    log.numbers(5)
    async with reading(tmp_path, agent, "end") as readers:
        readers.follow(target(log))
        await until(lambda: len(agent.messages) > 0)
        log.numbers(1)
        await until(lambda: agent.lines() == 1)
    young = LogFile(log.path.with_name("young.log"))
    young.numbers(7)
    (tmp_path / "other").mkdir()
    again = Agent()
    async with reading(tmp_path / "other", again, "end") as readers:
        readers.follow(target(young, runs=[(1, time.time() + 1)]))
        await until(lambda: again.lines() == 7)


async def test_an_unknown_format_is_told_once(tmp_path: pathlib.Path, log: LogFile) -> None:
    agent = Agent()
    async with reading(tmp_path, agent) as readers:
        for _ in range(3):
            assert readers.follow(target(log, format="xml")) is None
    assert agent.troubles() == ["log_not_followed"]


async def test_a_store_that_takes_nothing_is_told_and_tried_again(
    tmp_path: pathlib.Path, log: LogFile
) -> None:
    agent = Agent()
    async with reading(tmp_path, agent) as readers:
        readers.follow(target(log))
        await until(lambda: len(agent.messages) > 0)
        other = sqlite3.connect(tmp_path / "positions.db", isolation_level=None)
        other.execute("ALTER TABLE positions RENAME TO hidden")
        log.numbers(5)
        await until(lambda: "log_positions_not_saved" in agent.troubles())
        assert agent.lines() == 0
        other.execute("ALTER TABLE hidden RENAME TO positions")
        other.close()
        await until(lambda: agent.lines() == 5)


async def test_a_broken_store_is_told(tmp_path: pathlib.Path) -> None:
    (tmp_path / "positions.db").write_bytes(b"garbage" * 1000)
    agent = Agent()
    async with reading(tmp_path, agent):
        await until(lambda: agent.troubles() == ["log_positions_broken"])


async def test_a_loud_log_does_not_starve_a_quiet_one(tmp_path: pathlib.Path, log: LogFile) -> None:
    log.write(*("x" * 1000 for _ in range(20_000)))
    quiet = LogFile(log.path.with_name("quiet.log"))
    quiet.numbers(1)
    agent = Agent()
    async with reading(tmp_path, agent) as readers:
        loud = readers.follow(target(log))
        soft = readers.follow(
            LogTarget(id="/y", source=LogSource(path=str(quiet.path), format="cri"), container={})
        )
        assert loud is not None
        assert soft is not None
        await until(lambda: soft.counters.lines["stdout"] == 1)
        assert loud.counters.lines["stdout"] < 20_000
        await until(lambda: loud.counters.lines["stdout"] == 20_000)


async def test_one_log_that_cannot_be_read_does_not_stop_the_others(
    tmp_path: pathlib.Path, log: LogFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.numbers(3)
    (log.path.parent / "directory.log").mkdir()
    agent = Agent()
    async with reading(tmp_path, agent) as readers:
        odd = LogSource(path=str(log.path.parent / "directory.log"), format="cri")
        readers.follow(LogTarget(id="/odd", source=odd, container={}))
        readers.follow(target(log))
        await until(lambda: agent.lines() == 3 and "log_not_read" in agent.troubles())


async def test_those_that_are_gone_take_no_memory(tmp_path: pathlib.Path, log: LogFile) -> None:
    agent = Agent()
    log.numbers(5)
    async with reading(tmp_path, agent) as readers:
        readers.follow(target(log))
        await until(lambda: agent.lines() == 5)
        readers.leave("/x")
        await until(
            lambda: gc.collect() == 0 and not any(isinstance(one, Progress) for one in gc.get_objects())
        )
        log.numbers(5)
        readers.follow(target(log))
        await until(lambda: agent.lines() == 10)


async def test_what_a_container_printed_last_is_read_though_it_is_gone(
    tmp_path: pathlib.Path, log: LogFile
) -> None:
    agent = Agent()
    log.numbers(5)
    async with reading(tmp_path, agent) as readers:
        readers.follow(target(log))
        await until(lambda: agent.lines() == 5)
        log.numbers(10_000)
        log.write("half a li", tag="P")
        log.path.unlink()
        readers.finish("/x")
        assert readers.tails["/x"].counters.lines["stdout"] == 10_006
        readers.leave("/x")


async def test_metrics_are_told_with_the_counters_and_of_many_containers_in_several_messages(
    tmp_path: pathlib.Path, log: LogFile
) -> None:
    agent = Agent()
    log.numbers(5)
    rule = Rule(metrics=(LogMetric(name="all"),))
    async with reading(tmp_path, agent) as readers:
        for number in range(40):
            readers.follow(msgspec.structs.replace(target(log), id=f"/{number}", rule=rule))
        await until(lambda: all(agent.lines(f"/{number}") == 5 for number in range(40)))
    reports = [message for message in agent.messages if isinstance(message, Report)]
    assert max(len(report.counted) for report in reports) <= 32
    counted = {one.id: one.counters.metrics for report in reports for one in report.counted}
    assert {metrics[0].series[0].total for metrics in counted.values()} == {5}
