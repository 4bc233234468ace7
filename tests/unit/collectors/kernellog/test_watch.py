"""The log of this kernel, and one that cannot be read."""

from __future__ import annotations

import asyncio
import os
import pathlib

import pytest

from collectors.kernellog.oomkills import OomKill
from collectors.kernellog.watch import KernelLog


async def test_a_log_that_cannot_be_read_says_why(tmp_path: pathlib.Path) -> None:
    log = KernelLog(lambda kill: None, path=str(tmp_path / "kmsg"))
    await asyncio.wait_for(log.run(), 5)
    assert log.reason == f"{tmp_path}/kmsg: No such file or directory"
    assert not log.catch_up()


async def test_what_was_written_before_the_start_is_told_too(tmp_path: pathlib.Path) -> None:
    os.mkfifo(tmp_path / "kmsg")
    writer = os.open(tmp_path / "kmsg", os.O_RDWR)
    lines = (
        "6,1,5000000,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,"
        "oom_memcg=/a,task_memcg=/a,task=x,pid=5,uid=0\n",
        "3,2,5000001,-;Memory cgroup out of memory: Killed process 5 (x) total-vm:8kB, anon-rss:4kB, "
        "file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:4kB oom_score_adj:0\n",
    )
    heard: list[OomKill] = []
    log = KernelLog(heard.append, path=str(tmp_path / "kmsg"))
    running = asyncio.ensure_future(log.run())
    try:
        for line in lines:  # one record each read, as the kernel gives them
            os.write(writer, line.encode())
            for _ in range(200):
                await asyncio.sleep(0.005)
                if len(line) and not _waiting(writer):
                    break
        assert [(kill.pid, kill.cgroup) for kill in heard] == [(5, "/a")]
    finally:
        running.cancel()
        os.close(writer)


def _waiting(descriptor: int) -> bool:
    import select

    return bool(select.select([descriptor], [], [], 0)[0])


@pytest.mark.skipif(not os.access("/dev/kmsg", os.R_OK), reason="/dev/kmsg cannot be read")
async def test_the_kernels_own_log_is_read_to_its_end() -> None:
    log = KernelLog(lambda kill: None)
    running = asyncio.ensure_future(log.run())
    await asyncio.sleep(0.2)
    assert not running.done() and log.reason == "" and not log.catch_up()
    running.cancel()
