"""Collectors that are off by default, against this kernel's own files."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest

from collectors.metrics import catalogue
from collectors.metrics.catalogue import INDEX, Family
from collectors.metrics.rows import Row
from collectors.metrics.sampler import Sampler
from runtime.linux import hierarchies
from tests.integration.box import Box, boxed, entry, stop

pytestmark = [
    pytest.mark.root,
    pytest.mark.inside_cgroup2,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root to make cgroups"),
]

BUSY = """
import time
block = bytearray(4 << 20)
end = time.process_time() + 0.2
while time.process_time() < end:
    pass
print("ready", flush=True)
time.sleep(1000)
"""
# Makes a cgroup in a hierarchy of its own, and tells what is read of it and what its files say.
HUGETLB = """
import json, os, pathlib, subprocess, sys, time
from collectors.metrics import catalogue
from collectors.metrics.sampler import Sampler
from runtime.linux import hierarchies
mount = pathlib.Path(sys.argv[1])
if subprocess.run(["mount", "-t", "cgroup", "-o", "hugetlb", "none", mount]).returncode:
    sys.exit(77)
box = mount / sys.argv[2]
box.mkdir()
try:
    sampler = Sampler(hierarchies.detect(), collectors={"hugetlb": True})
    sampler.track("/" + box.name)
    row = sampler.read_one("/" + box.name)
    told = {family.name: row.values[catalogue.INDEX[family]] for family in catalogue.HUGETLB}
    files = {file.name: file.read_text() for file in box.glob("hugetlb.*") if "rsvd" not in file.name}
    print(json.dumps([sampler.support()["hugetlb"], told, files]))
    sampler.close()
finally:
    box.rmdir()
    subprocess.run(["umount", mount], check=True)
    # With a cgroup that is not quite gone the hierarchy outlives its mount, and engines stumble over it.
    def gone():
        for _ in range(20):
            with open("/proc/cgroups") as file:
                if "hugetlb\\t0\\t" in file.read():
                    return True
            time.sleep(0.05)
    for _ in range(20):
        if gone():
            break
        subprocess.run(["mount", "-t", "cgroup", "-o", "hugetlb", "none", mount], check=True)
        subprocess.run(["umount", mount], check=True)
    else:
        raise SystemExit("the hierarchy of hugetlb stays")
"""


@pytest.fixture
def box() -> Iterator[Box]:
    with boxed(hierarchies.detect()) as made:
        yield made


def reading(box: Box, sampler: Sampler) -> Row:
    row = sampler.read_one(box.id)
    assert row is not None
    return row


def series(row: Row, family: Family) -> dict[str, float]:
    value = row.values[INDEX[family]]
    assert isinstance(value, tuple)
    return dict(value)


@pytest.fixture
def busy(box: Box) -> int:
    """A process in the box that has used something, and stands."""
    started = box.start([sys.executable, "-c", BUSY])
    stop(started.pid)
    return started.pid


def switched_on(box: Box, pid: int, *names: str) -> contextlib.closing[Sampler]:
    sampler = Sampler(hierarchies.detect(), collectors=dict.fromkeys(names, True))
    sampler.add(entry(box, pid), "box")
    return contextlib.closing(sampler)


def test_time_by_cpu_where_the_kernel_counts_it(box: Box, busy: int) -> None:
    with switched_on(box, busy, "percpu") as sampler:
        told = series(reading(box, sampler), catalogue.CPU_USAGE)
        reason = sampler.support()["percpu"]
    if box.version("cpuacct") == 1:
        counted = [int(number) / 1e9 for number in box.read("cpuacct", "cpuacct.usage_percpu").split()]
        assert reason == ""
        assert sorted(told) == [f',cpu="cpu{number:02d}"' for number in range(os.cpu_count() or 1)]
        assert [*told.values()] == counted[: len(told)]
        assert sum(told.values()) >= 0.2
    else:
        assert "cgroup v2 does not count" in reason
        assert [*told] == [',cpu="total"']


def test_memory_by_node_where_the_kernel_has_nodes(box: Box, busy: int) -> None:
    with switched_on(box, busy, "memory_numa") as sampler:
        reason = sampler.support()["memory_numa"]
        value = reading(box, sampler).values[INDEX[catalogue.MEMORY_NUMA_PAGES]]
    if reason:
        assert "CONFIG_NUMA" in reason and value is None
        return
    assert isinstance(value, tuple)
    told = dict(value)
    anonymous = {label: pages for label, pages in told.items() if 'type="anon",scope="hierarchy"' in label}
    stat = box.read("memory", "memory.numa_stat")
    if box.version("memory") == 1:
        found = re.search(r"^hierarchical_anon=(\d+)", stat, re.MULTILINE)
        assert found is not None and sum(anonymous.values()) == int(found[1])
    else:
        line = next(line for line in stat.splitlines() if line.startswith("anon "))
        pages = [int(pair.partition("=")[2]) // os.sysconf("SC_PAGE_SIZE") for pair in line.split()[1:]]
        assert [*anonymous.values()] == pages
    assert sum(anonymous.values()) >= (4 << 20) / os.sysconf("SC_PAGE_SIZE") * 0.9


def test_cpus_and_nodes_that_a_container_may_use(box: Box, busy: int) -> None:
    if box.version("cpuset") == 0:
        pytest.skip("needs the controller cpuset")
    box.write("cpuset", "cpuset.cpus", "0")
    box.write("cpuset", "cpuset.mems", "0")
    if box.version("cpuset") == 1:
        box.write("cpuset", "cpuset.memory_migrate", "1")
    box.write("cpuset", "cgroup.procs", str(busy))
    with switched_on(box, busy, "cpuset") as sampler:
        values = reading(box, sampler).values
    assert values[INDEX[catalogue.CPUSET_CPUS]] == 1
    assert values[INDEX[catalogue.CPUSET_MEMORY_NODES]] == 1
    assert values[INDEX[catalogue.MEMORY_MIGRATE]] == (1 if box.version("cpuset") == 1 else None)


@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs unshare of util-linux")
def test_huge_pages_by_size(tmp_path: pathlib.Path) -> None:
    if not os.path.isdir("/sys/kernel/mm/hugepages") or "hugetlb" not in pathlib.Path(
        "/proc/cgroups"
    ).read_text(encoding="ascii"):
        pytest.skip("needs huge pages and the controller hugetlb")
    (tmp_path / "hugetlb").mkdir()
    private = ("unshare", "-m", "--propagation", "private")
    shown = subprocess.run(
        [*private, sys.executable, "-c", HUGETLB, str(tmp_path / "hugetlb"), f"deckwatch-test-{os.getpid()}"],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    )
    if shown.returncode == 77:
        pytest.skip(f"cannot mount the controller hugetlb: {shown.stderr}")
    assert shown.returncode == 0, shown.stderr
    reason, told, files = json.loads(shown.stdout)
    assert reason == ""
    for name, file in (
        ("container_hugetlb_usage_bytes", "usage_in_bytes"),
        ("container_hugetlb_max_usage_bytes", "max_usage_in_bytes"),
        ("container_hugetlb_failcnt", "failcnt"),
    ):
        expected = {
            f',pagesize="{path.split(".")[1]}"': int(content)
            for path, content in files.items()
            if path.split(".", 2)[2] == file
        }
        assert expected and dict(told[name]) == expected
