"""What limits do to a cgroup, own and inherited ones, against this kernel's own files."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pathlib
import shutil
import sys
from collections.abc import Iterator

import pytest

from collectors.metrics import catalogue
from collectors.metrics.catalogue import INDEX
from collectors.metrics.rows import Value
from collectors.metrics.sampler import Sampler
from collectors.metrics.throttling import Throttling
from runtime.linux import hierarchies
from tests.integration.box import Box, Limits, agreement, block_device, boxed, entry, stop
from tests.integration.oracle import NONE, Values

pytestmark = [
    pytest.mark.root,
    pytest.mark.inside_cgroup2,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root to make cgroups"),
]

# Reads a disk that is larger than the cgroup's memory, over and over.
CACHE = """
import sys, time
with open(sys.argv[1], "rb") as disk:
    for _ in range(4):
        disk.seek(0)
        while disk.read(1 << 20):
            pass
    print("ready", flush=True)
    time.sleep(1000)
"""
IDLE = ["sh", "-c", "echo ready; exec sleep 1000"]
NARROW = {
    1: {"memory": {"memory.limit_in_bytes": "33554432"}},
    2: {"memory": {"memory.max": "33554432"}},
}
SLOWED: Limits = {1: {}, 2: {"memory": {"memory.high": "25165824"}}}
THROTTLED = {
    1: {"cpu": {"cpu.cfs_period_us": "20000", "cpu.cfs_quota_us": "1000"}},
    2: {"cpu": {"cpu.max": "1000 20000"}},
}
WIDE = {
    1: {"memory": {"memory.limit_in_bytes": "67108864"}},
    2: {"memory": {"memory.max": "67108864"}},
}
POD = {
    1: {
        "memory": {"memory.limit_in_bytes": "33554432"},
        "cpu": {"cpu.cfs_period_us": "100000", "cpu.cfs_quota_us": "25000"},
    },
    2: {"memory": {"memory.max": "33554432"}, "cpu": {"cpu.max": "25000 100000"}},
}


@pytest.fixture
def sampler() -> Iterator[Sampler]:
    with contextlib.closing(Sampler(hierarchies.detect())) as made:
        yield made


@pytest.fixture
def disk(tmp_path: pathlib.Path) -> Iterator[str]:
    if shutil.which("losetup") is None:
        pytest.skip("needs losetup of util-linux")
    with block_device(tmp_path / "disk", 48 << 20) as made:
        yield made


async def told_of(sampler: Sampler, box: Box, command: list[str]) -> Values:
    """What is told of the box once the command has done its work in it, which the kernel's files say too."""
    started = box.start(command)
    stop(started.pid)
    sampler.add(entry(box, started.pid), "box")
    return await agreement(sampler, box, started.pid)


async def test_memory_that_is_taken_back_at_the_limit(sampler: Sampler, disk: str) -> None:
    with boxed(hierarchies.detect(), NARROW) as box:
        values = await told_of(sampler, box, [sys.executable, "-c", CACHE, disk])
    assert values["container_spec_memory_effective_limit_bytes", NONE] == 32 << 20
    assert 0 < values["container_memory_limit_ratio", NONE] <= 1
    assert values["container_memory_reclaimable_bytes", NONE] > 1 << 20
    if box.version("memory") == 1:
        assert values["container_memory_failcnt", NONE] > 0
    else:
        direct = frozenset((("reclaimer", "direct"),))
        assert values["container_memory_events_max_total", NONE] > 0
        scanned = values["container_memory_reclaim_scanned_pages_total", direct]
        taken = values["container_memory_reclaim_taken_pages_total", direct]
        assert scanned >= taken > 0


async def test_memory_above_which_a_container_is_slowed_down(sampler: Sampler, disk: str) -> None:
    with boxed(hierarchies.detect(), SLOWED) as box:
        if box.version("memory") == 1:
            pytest.skip("v1 has no memory.high")
        values = await told_of(sampler, box, [sys.executable, "-c", CACHE, disk])
    assert values["container_spec_memory_high_bytes", NONE] == 24 << 20
    assert values["container_memory_events_high_total", NONE] > 0
    assert values["container_memory_events_oom_total", NONE] == 0


async def test_an_ancestors_limits_are_in_force(sampler: Sampler) -> None:
    trees = hierarchies.detect()
    with boxed(trees, POD) as pod, boxed(trees, WIDE, pod.id) as box:
        values = await told_of(sampler, box, IDLE)
    assert values["container_spec_memory_limit_bytes", NONE] == 64 << 20
    assert values["container_spec_memory_effective_limit_bytes", NONE] == 32 << 20
    assert ("container_cpu_limit_cores", NONE) not in values
    assert values["container_cpu_effective_cores", NONE] == 0.25


async def test_the_share_of_periods_in_which_a_busy_container_is_throttled(sampler: Sampler) -> None:
    now = 0.0
    throttling = Throttling(lambda: now)
    with boxed(hierarchies.detect(), THROTTLED) as box:
        started = box.start(["sh", "-c", "echo ready; while :; do :; done"])
        sampler.add(entry(box, started.pid), "box")

        def told() -> tuple[int, Value]:
            """Periods so far, and the share."""
            row = sampler.read_one(box.id)
            assert row is not None
            throttling.tell(row.id, list[int], row.values)
            periods = row.values[INDEX[catalogue.CFS_PERIODS]]
            assert isinstance(periods, int)
            return periods, row.values[INDEX[catalogue.CPU_THROTTLED_RATIO]]

        before, share = told()
        assert share is None
        async with asyncio.timeout(30):
            while told()[0] < before + 50:
                await asyncio.sleep(0.05)
        now = 60.0
        _, share = told()
    # Where the machine is busy it may not even get its twentieth of a CPU in each period.
    assert isinstance(share, float) and 0.2 < share <= 1


async def test_what_may_be_saved_up_above_the_quota(sampler: Sampler) -> None:
    with boxed(hierarchies.detect()) as box:
        name = "cpu.cfs_burst_us" if box.version("cpu") == 1 else "cpu.max.burst"
        try:
            box.write("cpu", name, "5000")
        except FileNotFoundError:
            pytest.skip("needs Linux 5.14")
        values = await told_of(sampler, box, IDLE)
    assert values["container_spec_cpu_burst_seconds", NONE] == 0.005
