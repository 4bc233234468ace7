"""Workloads survive the death of everything around them, and not a line of theirs is lost or doubled.

Two workloads print numbered lines while the supervisor, then their monitors again and again, then the
zygote are killed with SIGKILL; a third ends meanwhile, while nobody looks.
"""

from __future__ import annotations

import gzip
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from runtime.linux.hierarchies import detect
from runtime.linux.process import start_time

LINES = 1_000_000
ROOT = pathlib.Path(__file__).parents[2]
PRINTER = f"""
import sys, time
out = sys.stdout
for number in range({LINES}):
    out.write("%09d %s\\n" % (number, "x" * 60))
    if number % 20000 == 0:
        out.flush()
        time.sleep(0.2)
out.flush()
while True:
    time.sleep(60)
"""

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="cgroups and namespaces of workloads need root here"),
    pytest.mark.timeout(180),
]


class Bed:
    """Directories, a cgroup parent of its own, and the supervisor process of the moment."""

    def __init__(self, root: pathlib.Path) -> None:
        self.run, self.state = root / "run", root / "state"
        self.parent = f"/deckwatch-test-{os.getpid()}"
        self.events = root / "events"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *specs: dict[str, Any]) -> None:
        files = []
        for spec in specs:
            path = self.run.parent / f"{spec['name']}.json"
            path.write_text(json.dumps(spec))
            files.append(str(path))
        arguments = [str(self.run), str(self.state), self.parent, *files]
        with self.events.open("ab") as events:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.integration.supervisor_process", *arguments],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=events,
            )

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        if self.process is None or self.process.poll() is not None:
            self.start()
        assert self.process is not None
        self.process.communicate(b"stop\n", timeout=60)

    def file(self, name: str) -> dict[str, Any]:
        try:
            return dict(json.loads((self.run / name).read_text()))
        except FileNotFoundError:
            return {}

    def told(self, replica: str) -> list[dict[str, Any]]:
        lines = self.events.read_text().splitlines()
        return [event for event in map(json.loads, lines) if event["replica"] == replica]

    def container(self, replica: str) -> tuple[int, int]:
        content = self.file(f"replicas/{replica}/container.json")
        return content.get("pid", 0), content.get("start", -1)

    def kill_monitor(self, replica: str) -> bool:
        """Whether there was a monitor to kill."""
        monitor = self.file(f"replicas/{replica}/monitor.json")
        if not monitor or start_time(monitor["pid"]) != monitor["start"]:
            return False
        os.kill(monitor["pid"], signal.SIGKILL)
        return True

    def numbers(self, replica: str) -> Iterator[int]:
        directory = self.state / "workloads" / replica / "log"
        names = {path.name.removesuffix(".gz") for path in directory.iterdir() if path.suffix != ".tmp"}
        for name in sorted(names, key=lambda name: (name == "current.log", name)):
            try:
                content = (directory / name).read_bytes()
            except FileNotFoundError:
                content = gzip.decompress((directory / f"{name}.gz").read_bytes())
            for line in content.splitlines():
                _, stream, tag, text = line.split(b" ", 3)
                assert (stream, tag) == (b"stdout", b"F"), line
                yield int(text.split()[0])

    def last_number(self, replica: str) -> int:
        """The newest number on disk; -1 while files are being moved."""
        directory = self.state / "workloads" / replica / "log"
        rotated = sorted(path for path in directory.glob("current.log.*") if path.suffix[1:].isdigit())
        for path in (directory / "current.log", *reversed(rotated)):
            try:
                tail = path.read_bytes()[-400:]
            except FileNotFoundError:
                return -1
            if b"\n" in tail:
                record = tail[: tail.rfind(b"\n")].split(b"\n")[-1]
                return int(record.split()[3])
        return -1


def until(condition: Callable[[], Any], limit: float, what: str) -> None:
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline, f"{what} not within {limit} s"
        time.sleep(0.02)


@pytest.fixture
def bed(tmp_path: pathlib.Path) -> Iterator[Bed]:
    bed = Bed(tmp_path)
    yield bed
    bed.stop()
    left = [
        directory
        for hierarchy in detect().all()
        if os.path.isdir(directory := hierarchy.directory(bed.parent))
    ]
    assert not left, f"cgroups left behind: {left}"


def printer(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "rootfs": "host",
        "command": ["/usr/bin/python3", "-c", PRINTER],
        "logs": {"max_size": "5Mi", "max_files": 100},
    }


def test_nothing_is_lost_or_doubled_whatever_is_killed(bed: Bed) -> None:
    ending = ["sh", "-c", "sleep 2; echo last words; exit 7"]
    brief = {"name": "brief", "rootfs": "host", "command": ending, "restart": {"policy": "never"}}
    printers = ("one-1", "two-1")
    bed.start(printer("one"), printer("two"), brief)
    until(lambda: all(bed.container(name)[0] for name in (*printers, "brief-1")), 20, "all started")
    containers = {name: bed.container(name) for name in printers}

    bed.kill()
    assert bed.kill_monitor("brief-1")
    pid, start = bed.container("brief-1")
    until(lambda: start_time(pid) != start, 10, "the brief workload ended")
    bed.start()
    until(lambda: any(event["type"] == "exit" for event in bed.told("brief-1")), 20, "its end is told")
    (ended,) = [event for event in bed.told("brief-1") if event["type"] == "exit"]
    assert (ended["exit_code"], ended["reason"], ended["observed"]) == (7, "error", "late")
    log = bed.state / "workloads/brief-1/log/current.log"
    assert log.read_bytes().endswith(b" stdout F last words\n")

    killed = 0
    for round in range(12):
        time.sleep(0.3)  # the rhythm of the kills, not a wait for anything
        killed += sum(bed.kill_monitor(name) for name in printers)
        if round == 6:
            os.kill(bed.file("zygote/zygote.json")["pid"], signal.SIGKILL)
    assert killed >= 12

    for name in printers:
        until(lambda name=name: bed.last_number(name) == LINES - 1, 90, f"{name} has printed all")  # type: ignore[misc]
        pid, start = containers[name]
        assert start_time(pid) == start, f"{name} was started again"
        assert bed.container(name) == (pid, start)
        expected = 0
        for number in bed.numbers(name):
            assert number == expected, f"{name}: {number} where {expected} was due"
            expected += 1
        assert expected == LINES
        assert len(list((bed.state / "workloads" / name / "log").iterdir())) > 10
