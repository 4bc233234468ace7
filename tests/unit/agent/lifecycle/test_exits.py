"""The end of a process is known at once."""

from __future__ import annotations

import asyncio
import os
import subprocess

from agent.lifecycle.exits import ExitWatch
from runtime.linux.process import ended, start_time


async def test_an_exit_is_told_once_with_its_pidfd_still_open() -> None:
    told: asyncio.Queue[tuple[str, int, bool]] = asyncio.Queue()
    watch = ExitWatch(lambda id, pid, pidfd: told.put_nowait((id, pid, ended(pidfd))))
    child = subprocess.Popen(["sleep", "60"])
    assert watch.watch("/a", child.pid, start_time(child.pid))
    assert watch.watch("/a", child.pid)  # again is no second watch
    assert len(watch) == 1 and watch.pid("/a") == child.pid
    child.kill()
    assert await asyncio.wait_for(told.get(), 5) == ("/a", child.pid, True)
    child.wait()
    assert len(watch) == 0 and told.empty()


async def test_a_process_that_is_gone_is_refused() -> None:
    watch = ExitWatch(lambda *_: None)
    child = subprocess.Popen(["true"])
    start = start_time(child.pid)
    child.wait()
    assert not watch.watch("/a", child.pid, start or 1)
    assert len(watch) == 0


async def test_closing_lets_every_descriptor_go() -> None:
    watch = ExitWatch(lambda *_: None)
    child = subprocess.Popen(["sleep", "60"])
    before = len(os.listdir("/proc/self/fd"))
    assert watch.watch("/a", child.pid)
    watch.close()
    assert len(os.listdir("/proc/self/fd")) == before
    child.kill()
    child.wait()
