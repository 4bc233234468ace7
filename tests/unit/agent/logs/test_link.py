from __future__ import annotations

import os
import pathlib
import signal
import sys

import pytest

from agent.logs import link as loglink
from collectors.logs.record import LogTarget
from collectors.logs.wire import Report, Targets
from collectors.model import LogSource
from runtime.linux.errors import DeckwatchError
from tests.unit.collectors.logs.logfile import LogFile


def gone(pid: int) -> bool:
    return not os.path.exists(f"/proc/{pid}")


async def test_a_worker_answers_and_ends_with_the_block(tmp_path: pathlib.Path) -> None:
    log = LogFile(tmp_path / "x.log")
    log.numbers(3)
    state = loglink.prepared(str(tmp_path / "state"))
    target = LogTarget(id="/x", source=LogSource(path=str(log.path), format="cri"), container={})
    async with loglink.started(sys.executable, state, str(tmp_path), "beginning") as link:
        link.send(Targets([target]))
        message = await anext(link.messages())
        assert isinstance(message, Report)
        assert message.counted[0].counters.lines["stdout"] == 3
        pid = link.pid
    assert gone(pid)


async def test_a_worker_that_dies_ends_its_messages(tmp_path: pathlib.Path) -> None:
    state = loglink.prepared(str(tmp_path / "state"))
    async with loglink.started(sys.executable, state, str(tmp_path), "end") as link:
        os.kill(link.pid, signal.SIGKILL)
        assert [message async for message in link.messages()] == []
        link.send(Targets())
    assert gone(link.pid)


async def test_a_worker_that_does_not_end_is_killed(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loglink, "_END", 0.2)
    stubborn = tmp_path / "python"
    stubborn.write_text("#!/bin/sh\nexec sleep 60\n")
    stubborn.chmod(0o755)
    async with loglink.started(str(stubborn), str(tmp_path), str(tmp_path), "end") as link:
        pass
    assert gone(link.pid)


async def test_an_interpreter_that_is_not_there_is_named(tmp_path: pathlib.Path) -> None:
    with pytest.raises(DeckwatchError, match=r"cannot start the log worker with /no/python"):
        async with loglink.started("/no/python", str(tmp_path), str(tmp_path), "end"):
            raise AssertionError


def test_the_workers_directory_is_the_agents_alone(tmp_path: pathlib.Path) -> None:
    path = pathlib.Path(loglink.prepared(str(tmp_path / "state")))
    assert path.stat().st_mode & 0o777 == 0o700
    assert loglink.prepared(str(tmp_path / "state")) == str(path)
