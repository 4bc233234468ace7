"""A cgroup of a test's own in every hierarchy, and what a reading of it says beside what the kernel's files say."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pathlib
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence

import pytest

from collectors.metrics.catalogue import ROW
from collectors.metrics.rows import Row
from collectors.metrics.sampler import Sampler
from collectors.model import Container, Entry, Network
from runtime.linux import process
from runtime.linux.hierarchies import Hierarchies
from tests.integration.oracle import Cgroup, Values

Limits = Mapping[int, Mapping[str, Mapping[str, str]]]

LIMITS: Limits = {
    1: {
        "memory": {"memory.limit_in_bytes": "67108864", "memory.soft_limit_in_bytes": "33554432"},
        "cpu": {"cpu.cfs_period_us": "20000", "cpu.cfs_quota_us": "10000", "cpu.shares": "512"},
        "pids": {"pids.max": "64"},
    },
    2: {
        "memory": {"memory.max": "67108864", "memory.min": "4096"},
        "cpu": {"cpu.max": "10000 20000", "cpu.weight": "50"},
        "pids": {"pids.max": "64"},
    },
}


class Box:
    """A cgroup under an own name in every hierarchy, with limits where the controller is there.

    It stands below `parent`, another such cgroup, or else below the root. `limits` are contents of files by
    cgroup version and controller.
    """

    def __init__(self, trees: Hierarchies, limits: Limits = LIMITS, parent: str = "") -> None:
        self.trees = trees
        self.id = f"{parent}/deckwatch-test-{os.getpid()}-{uuid.uuid4().hex[:12]}"
        self._limits = limits
        self._processes: list[subprocess.Popen[str]] = []

    def make(self) -> None:
        unified = self.trees.unified
        if self.trees.mode == "v2" and unified is not None:
            above = unified.directory(os.path.dirname(self.id))
            with open(f"{above}/cgroup.subtree_control", "w") as file:
                file.write(" ".join(f"+{name}" for name in unified.controllers))
        for tree in self.trees.all():
            os.mkdir(tree.directory(self.id))
        for controller in ("memory", "cpu", "pids"):
            hierarchy = self.trees.of(controller)
            assert hierarchy is not None
            for name, value in self._limits[hierarchy.version].get(controller, {}).items():
                self.write(controller, name, value)

    def read(self, controller: str, name: str) -> str:
        """One of its files."""
        return pathlib.Path(f"{self.trees.directory(controller, self.id)}/{name}").read_text()

    def version(self, controller: str) -> int:
        """The version of cgroups that this controller has here; 0 when it is not there."""
        hierarchy = self.trees.of(controller)
        return hierarchy.version if hierarchy is not None else 0

    def write(self, controller: str, name: str, value: str) -> None:
        with open(f"{self.trees.directory(controller, self.id)}/{name}", "w") as file:
            file.write(value)

    def start(self, command: Sequence[str]) -> subprocess.Popen[str]:
        """Start a process inside, and wait for its first line."""
        # A v1 cpuset takes nobody before it has CPUs, and no number is read from it.
        trees = [tree for tree in self.trees.all() if "cpuset" not in tree.controllers or tree.version == 2]
        enter = "".join(f"echo $$ > {tree.directory(self.id)}/cgroup.procs && " for tree in trees)
        started = subprocess.Popen(
            ["sh", "-c", f'{enter}exec "$@"', "sh", *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._processes.append(started)
        assert started.stdout is not None
        assert started.stdout.readline() == "ready\n"
        return started

    def feed(self, started: subprocess.Popen[str], text: str) -> None:
        """Write to a process's standard input."""
        assert started.stdin is not None
        started.stdin.write(text)
        started.stdin.flush()

    def oom_kills(self) -> int:
        """The cgroup's own count."""
        memory = self.trees.of("memory")
        assert memory is not None
        name = "memory.events" if memory.version == 2 else "memory.oom_control"
        with open(f"{memory.directory(self.id)}/{name}", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("oom_kill "))

    def end(self) -> None:
        """Kill what runs inside and remove the cgroup."""
        for started in self._processes:
            started.kill()
            started.wait()
            for pipe in (started.stdin, started.stdout):
                if pipe is not None:
                    with contextlib.suppress(BrokenPipeError):
                        pipe.close()
        deadline = time.monotonic() + 10
        for tree in self.trees.all():
            while os.path.isdir(directory := tree.directory(self.id)) and time.monotonic() < deadline:
                with contextlib.suppress(OSError):
                    os.rmdir(directory)


@contextlib.contextmanager
def boxed(trees: Hierarchies, limits: Limits = LIMITS, parent: str = "") -> Iterator[Box]:
    """Such a cgroup, removed afterwards with what runs in it."""
    made = Box(trees, limits, parent)
    try:
        made.make()
        yield made
    finally:
        made.end()


@contextlib.contextmanager
def block_device(image: pathlib.Path, size: int) -> Iterator[str]:
    """A block device that nobody else uses, of so many bytes, kept in a file."""
    if os.path.isdir("/run/modules"):
        # A kernel without modules where modprobe looks for them.
        subprocess.run(["modprobe", "-q", "-d", "/run/modules", "loop"], check=False)
    with open(image, "wb") as file:
        file.truncate(size)
    shown = subprocess.run(
        ["losetup", "-f", "--show", image], check=True, capture_output=True, text=True
    ).stdout
    try:
        yield shown.strip()
    finally:
        subprocess.run(["losetup", "-d", shown.strip()], check=True)


def entry(box: Box, pid: int, network: Network = Network.NONE) -> Entry:
    return Entry(
        container=Container(id=box.id, name="box", engine="test"),
        pid=pid,
        pid_start=process.start_time(pid),
        network=network,
    )


def stop(pid: int) -> None:
    """Stop all its threads, and wait until they stand."""
    os.kill(pid, signal.SIGSTOP)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        states = {
            pathlib.Path(f"/proc/{pid}/task/{task}/stat").read_text().rpartition(")")[2].split()[0]
            for task in os.listdir(f"/proc/{pid}/task")
        }
        if states == {"T"}:
            return
    raise AssertionError(f"process {pid} does not stop: {states}")


def told(row: Row) -> Values:
    """A row as the oracle says it."""
    found: Values = {}
    for family, value in zip(ROW, row.values, strict=True):
        for suffix, number in value if isinstance(value, tuple) else (("", value),):
            if number is not None:
                pairs = (pair.split("=") for pair in suffix.lstrip(",").split(",") if pair)
                own = frozenset((name, text.strip('"')) for name, text in pairs)
                found[family.name, own] = number
    return found


def without(values: Values, *names: str) -> Values:
    return {key: value for key, value in values.items() if not key[0].startswith(names)}


# What a row adds to the kernel's files, and what nobody shows of a process without a network of its own.
BESIDE = ("container_start_time", "container_last_seen", "container_spec_cpu_shares", "container_network")


async def agreement(sampler: Sampler, box: Box, pid: int) -> Values:
    """A reading that says what the files say, both before and after it; the counters settle in a moment."""
    cgroup = Cgroup(pid)
    async with asyncio.timeout(20):
        while True:
            before = cgroup.values()
            row = sampler.read_one(box.id)
            after = cgroup.values()
            assert row is not None
            if before == after:
                ours, theirs = without(told(row), *BESIDE), without(after, *BESIDE)
                assert ours == {key: pytest.approx(value, abs=1e-9) for key, value in theirs.items()}
                return told(row)
            await asyncio.sleep(0.01)
