"""Cgroups that live shorter than their engine needs to name them keep their final reading."""

from __future__ import annotations

import asyncio
import subprocess

from agent.lifecycle.newcomers import Newcomers
from collectors.metrics.rows import Row


class Cgroups:
    """A few cgroups in memory, with real processes in them."""

    def __init__(self) -> None:
        self.pids: dict[str, list[int]] = {}
        self.gone: set[str] = set()
        self.tracked: set[str] = set()
        self.reads = 0

    def track(self, id: str, pid: int = 0) -> None:
        self.tracked.add(id)

    def read_one(self, id: str) -> Row | None:
        if id in self.gone:
            return None
        self.reads += 1
        return Row(id, f'id="{id}"', [self.reads], 1.0)

    def remove(self, id: str) -> None:
        self.tracked.discard(id)

    def processes(self, id: str) -> list[int]:
        return self.pids.get(id, [])


async def until(condition, limit: float = 5.0) -> None:  # type: ignore[no-untyped-def]
    """Wait for a condition, with a limit."""
    async with asyncio.timeout(limit):
        while not condition():
            await asyncio.sleep(0.002)


async def test_the_reading_is_taken_when_the_last_process_ends() -> None:
    cgroups = Cgroups()
    newcomers = Newcomers(cgroups)
    helper, init = subprocess.Popen(["sleep", "60"]), subprocess.Popen(["sleep", "60"])
    newcomers.created("/docker/abc")
    cgroups.pids["/docker/abc"] = [helper.pid]  # filled only after its creation
    await until(lambda: newcomers._exits.pid("/docker/abc") == helper.pid)
    cgroups.pids["/docker/abc"] = [init.pid]
    helper.kill()
    helper.wait()
    await until(lambda: newcomers._exits.pid("/docker/abc") == init.pid)
    cgroups.pids["/docker/abc"] = []
    init.kill()
    init.wait()
    await until(lambda: not cgroups.tracked)
    cgroups.gone.add("/docker/abc")
    ended = newcomers.claim_by_engine_id("abc")
    assert ended is not None and ended.id == "/docker/abc" and ended.row is not None
    assert newcomers.claim("/docker/abc") is None
    newcomers.close()


async def test_a_claimed_cgroup_is_handed_over_running() -> None:
    cgroups = Cgroups()
    newcomers = Newcomers(cgroups)
    newcomers.created("/x")
    assert "/x" in newcomers
    assert newcomers.claim("/x") is None
    assert "/x" not in newcomers and cgroups.tracked == {"/x"}
    newcomers.close()


async def test_what_nobody_claims_is_let_go() -> None:
    cgroups, now = Cgroups(), [100.0]
    newcomers = Newcomers(cgroups, patience=10, clock=lambda: now[0])
    newcomers.created("/unit")
    now[0] = 111.0
    newcomers.created("/other")
    assert "/unit" not in newcomers and cgroups.tracked == {"/other"}
    newcomers.close()


async def test_too_late_is_told_as_such() -> None:
    cgroups = Cgroups()
    newcomers = Newcomers(cgroups)
    newcomers.created("/x")
    cgroups.gone.add("/x")
    newcomers.removed("/x")
    ended = newcomers.claim("/x")
    assert ended is not None and ended.row is None
    newcomers.close()
