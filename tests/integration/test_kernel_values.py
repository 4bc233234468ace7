"""The sampler against this kernel's own files, on v1, hybrid and v2 alike.

The test makes a cgroup of its own with limits, runs a process in it that uses what there is to use, stops
it, and compares each value with what the kernel's files say in the same moment.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pathlib
import shutil
import signal
import sys
import time
from collections.abc import Iterator

import pytest

from collectors.metrics import catalogue
from collectors.metrics.catalogue import INDEX
from collectors.metrics.sampler import Sampler
from collectors.model import Container, Entry, Network
from runtime.linux import hierarchies
from tests.integration.box import BESIDE, Box, agreement, boxed, entry, stop, told, without
from tests.integration.oracle import Cgroup

pytestmark = [
    pytest.mark.root,
    pytest.mark.inside_cgroup2,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root to make cgroups"),
]

# Touches anonymous memory and a file, spends time in user mode and in the kernel, and has a second thread.
BUSY = """
import os, sys, threading, time
block = bytearray(8 << 20)
with open(sys.argv[1], "wb") as file:
    for _ in range(64):
        file.write(os.urandom(65536))
threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
end = time.process_time() + 0.3
while time.process_time() < end:
    os.stat("/")
print("ready", flush=True)
time.sleep(1000)
"""


@pytest.fixture
def box() -> Iterator[Box]:
    with boxed(hierarchies.detect()) as made:
        yield made


@pytest.fixture
def sampler() -> Iterator[Sampler]:
    made = Sampler(hierarchies.detect())
    yield made
    made.close()


async def test_every_value_equals_the_kernels(box: Box, sampler: Sampler, tmp_path: pathlib.Path) -> None:
    started = box.start([sys.executable, "-c", BUSY, str(tmp_path / "file")])
    stop(started.pid)
    sampler.add(entry(box, started.pid), "box")
    values = await agreement(sampler, box, started.pid)
    none = frozenset[tuple[str, str]]()
    assert values["container_cpu_usage_seconds_total", frozenset((("cpu", "total"),))] >= 0.3
    assert values["container_memory_rss", none] >= 8 << 20
    assert values["container_cpu_cfs_periods_total", none] > 0
    assert values["container_spec_memory_limit_bytes", none] == 64 << 20
    assert values["container_spec_cpu_quota", none] == 10000
    assert values["container_threads", none] == 2
    assert values["container_processes", none] == 1
    assert values["container_threads_max", none] == 64
    version = box.trees.of("cpu")
    assert version is not None
    assert values["container_spec_cpu_shares", none] == (
        512 if version.version == 1 else 2 + 49 * 262142 // 9999
    )
    boot = values["container_start_time_seconds", none]
    assert abs(boot - time.time()) < 60


async def test_a_pass_says_the_same_whether_a_container_moves_or_stands(
    box: Box, sampler: Sampler, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("collectors.metrics.sampler._REUSE", 0.0)
    started = box.start([sys.executable, "-c", BUSY, str(tmp_path / "file")])
    sampler.add(entry(box, started.pid), "box")
    await sampler.read()
    stop(started.pid)
    await agreement(sampler, box, started.pid)
    cgroup = Cgroup(started.pid)
    async with asyncio.timeout(20):
        while True:
            before = cgroup.values()
            rows = [(await sampler.read()).rows[1] for _ in range(3)]
            if before == cgroup.values():
                break
    for row in rows:
        expected = {key: pytest.approx(value, abs=1e-9) for key, value in without(before, *BESIDE).items()}
        assert without(told(row), *BESIDE) == expected


async def test_an_oom_kill_is_counted(box: Box, sampler: Sampler) -> None:
    memory = box.trees.of("memory")
    assert memory is not None
    if memory.version == 2 or os.path.exists(f"{memory.directory(box.id)}/memory.memsw.limit_in_bytes"):
        with contextlib.suppress(OSError):
            box.write(
                "memory",
                "memory.swap.max" if memory.version == 2 else "memory.memsw.limit_in_bytes",
                "0" if memory.version == 2 else "67108864",
            )
    sampler.track(box.id)
    row = sampler.read_one(box.id)
    assert row is not None and row.values[INDEX[catalogue.OOM_EVENTS]] == 0
    started = box.start([sys.executable, "-c", "print('ready', flush=True)\nb = bytearray(200 << 20)"])
    assert started.wait(30) == -signal.SIGKILL
    row = sampler.read_one(box.id)
    assert row is not None and row.values[INDEX[catalogue.OOM_EVENTS]] == 1


@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs unshare of util-linux")
@pytest.mark.skipif(shutil.which("ip") is None, reason="needs ip of iproute2")
async def test_the_traffic_of_a_namespace_is_its_owners_and_the_hosts_the_roots(
    box: Box, sampler: Sampler
) -> None:
    script = (
        "ip link set lo up; ip link add eth0 type veth peer name peer0 && ip link set peer0 up && "
        "ip address add 192.0.2.1/24 dev eth0 && ip link set eth0 up && echo ready; exec sleep 1000"
    )
    started = box.start(["unshare", "-n", "sh", "-c", script])
    async with asyncio.timeout(10):
        while os.stat(f"/proc/{started.pid}/net/dev").st_ino == os.stat("/proc/1/net/dev").st_ino:
            await asyncio.sleep(0.01)
    sampler.add(entry(box, started.pid, Network.OWNER), "box")
    cgroup = Cgroup(started.pid)
    async with asyncio.timeout(20):
        while True:
            before = {key: value for key, value in cgroup.values().items() if "_network_" in key[0]}
            row = sampler.read_one(box.id)
            after = {key: value for key, value in cgroup.values().items() if "_network_" in key[0]}
            if before == after:
                break
            await asyncio.sleep(0.01)
    assert row is not None
    ours = {key: value for key, value in told(row).items() if "_network_" in key[0]}
    assert ours == after
    assert {dict(own)["interface"] for _, own in ours} == {"eth0", "peer0"}
    root = (await sampler.read()).rows[0]
    interfaces = {dict(own).get("interface") for (name, own) in told(root) if "_network_" in name}
    assert root.id == "/" and not interfaces & {"eth0@box", "peer0"}
    started.kill()
    started.wait()
    final = sampler.read_one(box.id)
    assert final is not None
    assert {key: value for key, value in told(final).items() if "_network_" in key[0]}.keys() == ours.keys()


async def test_a_final_reading_takes_less_than_a_millisecond_and_lets_the_cgroup_go(
    box: Box, sampler: Sampler
) -> None:
    sampler.track(box.id)
    took = []
    for _ in range(20):
        started = time.thread_time()
        assert sampler.read_one(box.id) is not None
        took.append(time.thread_time() - started)
    assert sorted(took)[len(took) // 2] < 0.001 * (10 if box.trees.mode == "v2" else 1)
    for tree in box.trees.all():
        os.rmdir(tree.directory(box.id))
    assert sampler.read_one(box.id) is None
    kept = sampler.descriptors.kept
    sampler.remove(box.id)
    assert sampler.descriptors.kept == kept


async def test_reading_never_holds_the_loop_long(box: Box, sampler: Sampler) -> None:
    names = [f"{box.id}/{number}" for number in range(100)]
    directories = [tree.directory(name) for tree in box.trees.all() for name in names]
    try:
        for directory in directories:
            os.mkdir(directory)
        for name in names:
            container = Container(id=name, name=name, engine="test")
            sampler.add(Entry(container=container, network=Network.NONE), name)
        longest = 0.0
        async with asyncio.TaskGroup() as group:
            reading = group.create_task(sampler.read())
            while not reading.done():
                before = time.thread_time()
                await asyncio.sleep(0)
                longest = max(longest, time.thread_time() - before)
        assert len(reading.result().rows) == 101
        # The time of this thread alone, for other processes may have had the CPU meanwhile.
        assert longest < 0.010 * (10 if box.trees.mode == "v2" else 1)
    finally:
        for directory in directories:
            with contextlib.suppress(FileNotFoundError):
                os.rmdir(directory)
