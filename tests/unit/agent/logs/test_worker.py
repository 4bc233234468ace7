from __future__ import annotations

import asyncio
import json
import os
import pathlib
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import TypeVar

import pytest

from agent.logs import worker as logworker
from collectors.logs.record import LogTarget
from collectors.logs.wire import (
    Ended,
    Fed,
    Report,
    Started,
    Subscribe,
    Targets,
    ToWorker,
    Unsubscribe,
    framed,
    read_frame,
    to_agent,
)
from collectors.model import LogSource
from runtime.linux.errors import DeckwatchError
from tests.unit.collectors.logs.logfile import LogFile

T = TypeVar("T", Report, Fed, Started, Ended)


class Process:
    """A worker and the agent's end of its socket."""

    def __init__(self, tmp_path: pathlib.Path) -> None:
        self.ours, its = socket.socketpair()
        command = [sys.executable, "-m", "agent.logs.worker", "--socket", str(its.fileno())]
        command += ["--state", str(tmp_path), "--scratch", str(tmp_path), "--start-at", "beginning"]
        self.process = subprocess.Popen(command, pass_fds=[its.fileno()])
        its.close()

    async def connect(self) -> None:
        self.reader, self.writer = await asyncio.open_connection(sock=self.ours)

    def send(self, message: ToWorker) -> None:
        self.writer.write(framed(message))

    async def receive(self, kind: type[T]) -> T:
        async with asyncio.timeout(10):
            while True:
                frame = await read_frame(self.reader)
                assert frame is not None
                message = to_agent.decode(frame)
                if isinstance(message, kind):
                    return message


@pytest.fixture
async def worker(tmp_path: pathlib.Path) -> AsyncIterator[Process]:
    one = Process(tmp_path)
    await one.connect()
    yield one
    one.writer.close()
    assert await asyncio.to_thread(one.process.wait, 10) == 0


@pytest.fixture
def log(tmp_path: pathlib.Path) -> LogFile:
    (tmp_path / "logs").mkdir()
    return LogFile(tmp_path / "logs" / "x.log")


def target(log: LogFile, id: str = "/x") -> LogTarget:
    return LogTarget(id=id, source=LogSource(path=str(log.path), format="cri"), container={"name": id})


def messages(fed: Fed) -> list[str]:
    return [json.loads(line)["message"] for _, _, _, line in fed.records]


async def test_counters_arrive(worker: Process, log: LogFile) -> None:
    log.numbers(5)
    worker.send(Targets([target(log)]))
    report = await worker.receive(Report)
    assert report.counted[0].counters.lines["stdout"] == 5


async def test_who_subscribes_gets_what_is_printed_and_filtered(worker: Process, log: LogFile) -> None:
    worker.send(Targets([target(log)]))
    worker.send(Subscribe(1, ["/x", "/unknown"], grep="number [24]"))
    assert (await worker.receive(Started)).feed == 1
    log.numbers(5)
    assert messages(await worker.receive(Fed)) == ["number 2", "number 4"]
    worker.send(Unsubscribe(1))
    worker.send(Subscribe(2, ["/x"], level="error"))
    assert (await worker.receive(Started)).feed == 2
    log.write("INFO a", "ERROR b")
    fed = await worker.receive(Fed)
    assert (fed.feed, messages(fed)) == (2, ["ERROR b"])


async def test_a_container_that_comes_later_joins_its_feeds(worker: Process, log: LogFile) -> None:
    worker.send(Subscribe(1, []))
    log.numbers(2)
    worker.send(Targets([target(log)], feeds={"/x": [1, 99]}))
    fed = await worker.receive(Fed)
    assert messages(fed) == ["number 0", "number 1"]


async def test_a_pattern_that_means_nothing_ends_the_subscription(worker: Process) -> None:
    worker.send(Subscribe(5, [], grep="("))
    ended = await worker.receive(Ended)
    assert (ended.feed, ended.reason) == (5, "pattern")
    assert "RE2" in ended.text


async def test_a_reader_that_is_slow_is_let_go(worker: Process, log: LogFile) -> None:
    worker.send(Targets([target(log)]))
    worker.send(Subscribe(1, ["/x"]))
    await worker.receive(Report)
    log.write(*("x" * 10_000 for _ in range(4000)))
    # Nothing is read from the socket until the worker has read the file to its end.
    size, fds = log.path.stat().st_size, f"/proc/{worker.process.pid}/fdinfo"
    worker.writer.transport.pause_reading()  # type: ignore[attr-defined]
    async with asyncio.timeout(20):
        while not _committed(log.path.parent.parent, size):
            await asyncio.sleep(0.05)
    assert os.path.isdir(fds)
    worker.writer.transport.resume_reading()  # type: ignore[attr-defined]
    ended = await worker.receive(Ended)
    assert ended.reason == "slow"


def _committed(state: pathlib.Path, offset: int) -> bool:
    from collectors.logs.positions import Positions, Progress

    store = Positions(str(state / "positions.db"), Progress)
    progress = store.load().get("/x")
    store.close()
    return bool(progress and progress.place and progress.place.offset == offset)


async def test_a_signal_ends_it_with_what_it_read_saved(tmp_path: pathlib.Path, log: LogFile) -> None:
    one = Process(tmp_path)
    await one.connect()
    log.numbers(5)
    one.send(Targets([target(log)]))
    await one.receive(Report)
    one.process.terminate()
    assert await asyncio.to_thread(one.process.wait, 10) == 0
    assert _committed(tmp_path, log.path.stat().st_size)
    one.writer.close()


def test_two_workers_never_share_a_store(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logworker, "_LOCK", 0.1)
    first = logworker.locked(str(tmp_path))
    with pytest.raises(DeckwatchError, match="another log worker"):
        logworker.locked(str(tmp_path))
    os.close(first)
    os.close(logworker.locked(str(tmp_path)))
