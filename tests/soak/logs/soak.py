"""Runs the soak of the log path: an agent that is killed, fifty logs that rotate, a sink that fails."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from agent.shipping.outlet import Stored
from collectors.logs.positions import Positions
from tests.integration.agents import Agent
from tests.integration.engines import remove_cgroups, wait_until
from tests.soak.course import complaints
from tests.soak.logs import lines, peer
from tests.soak.logs.account import Account
from tests.soak.logs.course import Course
from tests.soak.logs.plan import workloads, written
from tests.soak.vitals import worker_of
from tests.unit.collectors.inventory.tree import id_of

SETTLE = 180.0
_STILL = 4.0
SINK = "loki"
PYTHON = "/usr/bin/python3"
"""A workload on the host's root file system sees none that lies in a home directory."""


class Pace(NamedTuple):
    """How a soak goes: seconds of it, of a turn of the sink's, between kills; bytes at which files rotate; lines
    that each container prints in a second; bytes of the spool."""

    seconds: float
    turn: float
    kill: tuple[float, float]
    limit: int
    per_second: float
    spool: str = "1Gi"
    seed: int = 1


LONG = Pace(seconds=1800, turn=15, kill=(20, 60), limit=1 << 20, per_second=20)
FULL = Pace(seconds=300, turn=10, kill=(20, 60), limit=256 << 10, per_second=20, spool="1Mi")
SHORT = Pace(seconds=30, turn=1.5, kill=(5, 8), limit=64 << 10, per_second=8)


class Helper:
    """A process of the soak's own, which says one line when it is ready."""

    def __init__(self, module: str, *arguments: object) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *map(str, arguments)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.first = self.line()

    def line(self) -> str:
        """The next line that it says."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "a process of the soak ended early"
        return line.strip()

    def signal(self) -> None:
        """Send it SIGUSR1."""
        self._process.send_signal(signal.SIGUSR1)

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)


class LogSoak:
    """One soak over a directory of its own."""

    def __init__(self, directory: Path, pace: Pace) -> None:
        self._pace = pace
        self._directory = directory
        self._journals = directory / "arrived"
        self._journals.mkdir()
        self._parent = f"/deckwatch-test-{os.getpid()}-soak"
        self._chance = random.Random(pace.seed)
        self._count = int(pace.seconds * pace.per_second)

    def run(self) -> Course:
        """From the first line printed to the last one arrived."""
        pace = self._pace
        ids = [id_of(one.name) for one in written()]
        with contextlib.ExitStack() as parts:
            sink = Helper("tests.soak.logs.peer", self._journals, pace.turn, pace.seed)
            parts.callback(sink.close)
            engines = Helper("tests.soak.logs.engines", self._directory, pace.limit, pace.per_second, *ids)
            parts.callback(engines.close)
            agent = Agent(self._settings(sink.first))
            parts.callback(remove_cgroups, self._parent)
            parts.callback(agent.close)
            agent.start()
            course = Course(pace.seconds)
            self._harass(agent, course)
            engines.signal()
            sink.signal()
            printed: dict[str, int] = json.loads(engines.line())
            self._settle(agent, course, printed)
            course.faults += [f"the agent's log says: {line}" for line in complaints(agent.log())]
            ids_by_name = self._known(agent)
            agent.stop()
            course.accounts = list(self._accounts(agent, printed, ids_by_name))
        return course

    def _harass(self, agent: Agent, course: Course) -> None:
        """Kill agent or worker again and again, and watch the memory."""
        began = time.monotonic()
        due = self._chance.uniform(*self._pace.kill)
        while (at := time.monotonic() - began) < self._pace.seconds:
            if at >= due:
                self._kill(agent, course)
                due = time.monotonic() - began + self._chance.uniform(*self._pace.kill)
            with contextlib.suppress(OSError, psutil.Error):
                course.memory.append((at, self._memory(agent)))
            course.spooled = max(course.spooled, _size(f"{agent.directory}/state/spool"))
            time.sleep(0.5)

    def _kill(self, agent: Agent, course: Course) -> None:
        assert agent.process is not None
        worker = worker_of(agent.process.pid)
        if worker is None or self._chance.random() < 0.5:
            course.kills["agent"] += 1
            agent.kill()
            agent.start()
        else:
            course.kills["log worker"] += 1
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)

    def _memory(self, agent: Agent) -> float:
        assert agent.process is not None
        worker = worker_of(agent.process.pid)
        pids = [pid for pid in (agent.process.pid, worker) if pid is not None]
        return sum(psutil.Process(pid).memory_full_info().pss for pid in pids) / 1e6

    def _settle(self, agent: Agent, course: Course, printed: dict[str, int]) -> None:
        """Wait until the sink has all that it will get."""
        wait_until(lambda: self._idle(agent), "the sink's last record", SETTLE)
        still, before = time.monotonic(), self._size()
        deadline = still + SETTLE
        while time.monotonic() < still + _STILL:
            assert time.monotonic() < deadline, "records come without end"
            time.sleep(0.2)
            if (now := self._size()) != before:
                still, before = time.monotonic(), now

    def _idle(self, agent: Agent) -> bool:
        time.sleep(0.5)
        scrape = agent.scrape()
        lag = scrape.one("deckwatch_sink_lag_seconds", sink=SINK)
        pending = scrape.one("deckwatch_sink_pending_records", sink=SINK)
        states = {one["state"] for one in agent.json("/api/v1/containers", all="1") if one["workload"]}
        return lag == 0 and not pending and states <= {"exited"}

    def _size(self) -> int:
        return sum(path.stat().st_size for path in self._journals.iterdir())

    def _known(self, agent: Agent) -> dict[str, str]:
        """What each container's output is told by."""
        found = agent.json("/api/v1/containers", all="1")
        return {one["container"] or one["name"]: one["id"] or one["engine_id"] for one in found}

    def _accounts(self, agent: Agent, printed: dict[str, int], ids: dict[str, str]) -> Iterator[Account]:
        state = f"{agent.directory}/state/logs/sinks"
        store = Positions(f"{state}/{SINK}.db", Stored)
        stored = store.load()
        store.close()
        dead = dict(_dead_letters(state))
        kinds = {one.name: one.kind for one in written()}
        for name, count in [*printed.items(), *((f"{one}-1", self._count) for one in workloads())]:
            accounts = stored[ids[name]].accounts if ids.get(name) in stored else None
            yield Account(
                name, kinds.get(name, "workload"), count, peer.arrivals(str(self._journals), name),
                accounts.records if accounts else 0, accounts.dropped if accounts else {}, dead.get(name, {}),
            )  # fmt: skip

    def _settings(self, url: str) -> dict[str, Any]:
        off = {"enabled": False}
        storage = f"{self._directory}/crio"
        return {
            "inventory": {
                "docker": {"enabled": True, "socket": f"{self._directory}/docker.sock"},
                "crio": {"enabled": True, "root": f"{storage}/root", "run": f"{storage}/run"},
                "containerd": off, "podman": off, "systemd": off, "kubernetes": off,
                "include": ['{name=~"soak-.*"}', '{container=~"soak-.*"}'],
            },
            "runtime": {"cgroup_parent": self._parent, "on_exit": "stop"},
            "logging": {"format": "json"},
            "logs": {
                "start_at": "beginning",
                "spool": {"max_bytes": self._pace.spool},
                "sinks": [{
                    "type": "loki", "url": url, "timeout": "3s", "batch_wait": "200ms", "batch_bytes": "256Ki",
                    "backoff_min": "100ms", "backoff_max": "1s",
                }],
            },
            "workloads": [self._workload(name) for name in workloads()],
        }  # fmt: skip

    def _workload(self, name: str) -> dict[str, Any]:
        program = ["-c", Path(lines.__file__).read_text(encoding="utf-8")]
        return {
            "name": name,
            "rootfs": "host",
            "command": [
                PYTHON, "-S", *program,
                f"{name}-1", str(self._pace.per_second), str(self._count),
            ],
            "restart": {"policy": "never"},
            "logs": {"max_size": self._pace.limit, "max_files": 60},
        }  # fmt: skip


def _dead_letters(state: str) -> Iterator[tuple[str, dict[str, int]]]:
    """Of each container the numbers of its dead letters, by uid."""
    found: dict[str, dict[str, int]] = {}
    for file in (f"{state}/{SINK}.1.jsonl", f"{state}/{SINK}.jsonl"):
        with contextlib.suppress(FileNotFoundError), open(file, encoding="utf-8") as letters:
            for letter in map(json.loads, letters):
                about = letter["container"]
                _, number = lines.told_by(letter["message"]) or ("", -1)
                found.setdefault(about.get("container") or about["name"], {})[letter["uid"]] = number
    yield from found.items()


def _size(directory: str) -> int:
    """Bytes of disk below a directory."""
    found = 0
    for place, _, names in os.walk(directory):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                found += os.stat(os.path.join(place, name)).st_blocks * 512
    return found
