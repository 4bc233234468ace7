"""What a cgroup reads from and writes to a disk of the test's own, against this kernel's own files."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
from collections.abc import Iterator

import pytest

from collectors.metrics import catalogue
from collectors.metrics.catalogue import INDEX, Family
from collectors.metrics.rows import Row
from collectors.metrics.sampler import Sampler
from runtime.linux import hierarchies
from tests.integration.box import Box, agreement, block_device, boxed, entry, stop

pytestmark = [
    pytest.mark.root,
    pytest.mark.inside_cgroup2,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root to make cgroups and block devices"),
    pytest.mark.skipif(shutil.which("losetup") is None, reason="needs losetup of util-linux"),
]

READ, WRITTEN = 10 << 16, 5 << 16
USE = (
    "dd if=$0 of=/dev/null bs=64k count=10 iflag=direct status=none && "
    "dd if=/dev/zero of=$0 bs=64k count=5 oflag=direct status=none && echo ready && exec sleep 1000"
)


@pytest.fixture
def disk(tmp_path: pathlib.Path) -> Iterator[str]:
    with block_device(tmp_path / "disk", 16 << 20) as made:
        yield made


@pytest.fixture
def box() -> Iterator[Box]:
    with boxed(hierarchies.detect()) as made:
        yield made


def numbers(disk: str) -> str:
    device = os.stat(disk).st_rdev
    return f"{os.major(device)}:{os.minor(device)}"


def of(row: Row, family: Family, disk: str) -> dict[str, float]:
    """The family's series of that disk, by their labels."""
    series = row.values[INDEX[family]]
    assert isinstance(series, tuple)
    return {label: value for label, value in series if label.startswith(f',device="{disk}"')}


async def test_what_is_read_and_written_is_told_as_the_kernel_counts_it(box: Box, disk: str) -> None:
    if box.version("blkio") == 1:
        # Since Linux 6.18 nothing is counted before.
        for limit in ("read", "write"):
            box.write("blkio", f"blkio.throttle.{limit}_bps_device", f"{numbers(disk)} 1073741824")
    with contextlib.closing(Sampler(hierarchies.detect())) as sampler:
        started = box.start(["sh", "-c", USE, disk])
        stop(started.pid)
        sampler.add(entry(box, started.pid), "box")
        values = await agreement(sampler, box, started.pid)
    device = ("device", disk)
    major, minor = numbers(disk).split(":")
    assert values["container_fs_reads_bytes_total", frozenset((device,))] == READ
    assert values["container_fs_writes_bytes_total", frozenset((device,))] == WRITTEN
    assert values["container_fs_reads_total", frozenset((device,))] >= 10
    assert values["container_fs_writes_total", frozenset((device,))] >= 5
    for operation, size in (("Read", READ), ("Write", WRITTEN)):
        own = frozenset((device, ("major", major), ("minor", minor), ("operation", operation)))
        assert values["container_blkio_device_usage_total", own] == size


async def test_a_scheduler_that_counts_needs_no_limit(box: Box, disk: str) -> None:
    scheduler = pathlib.Path(f"/sys/block/{os.path.basename(disk)}/queue/scheduler")
    if box.version("blkio") != 1 or "bfq" not in scheduler.read_text():
        pytest.skip("needs the v1 controller blkio, and BFQ")
    before = scheduler.read_text().partition("[")[2].partition("]")[0]
    scheduler.write_text("bfq")
    try:
        with contextlib.closing(Sampler(hierarchies.detect())) as sampler:
            started = box.start(["sh", "-c", USE, disk])
            stop(started.pid)
            sampler.add(entry(box, started.pid), "box")
            row = sampler.read_one(box.id)
            counted = box.read("blkio", "blkio.bfq.io_serviced_recursive")
    finally:
        scheduler.write_text(before)
    assert row is not None
    label = f',device="{disk}"'
    assert of(row, catalogue.FS_READS_BYTES, disk) == {label: READ}
    assert of(row, catalogue.FS_WRITES_BYTES, disk) == {label: WRITTEN}
    (reads,) = of(row, catalogue.FS_READS, disk).values()
    assert f"{numbers(disk)} Read {reads}\n" in counted
