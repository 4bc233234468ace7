"""A supervisor of its own for tests: own directories, own cgroup parent, nothing left afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import pathlib
import signal
from collections.abc import AsyncIterator, Callable
from typing import Any

from runtime.linux.hierarchies import detect
from runtime.linux.process import start_time
from runtime.supervision.events import WorkloadEvent
from runtime.supervision.spec import WorkloadSpec, decode
from runtime.supervision.status import ReplicaStatus
from runtime.supervision.supervisor import Supervisor

_numbers = itertools.count()


class Bed:
    """State directories and the supervisor of the moment; `started` may be entered again after it was left."""

    def __init__(self, root: pathlib.Path) -> None:
        self.run, self.state = root / "run", root / "state"
        self.parent = f"/deckwatch-unit-{os.getpid()}-{next(_numbers)}"
        self.events: list[WorkloadEvent] = []

    def supervisor(self) -> Supervisor:
        """Another supervisor on the same directories."""
        return Supervisor(
            run_dir=str(self.run),
            state_dir=str(self.state),
            cgroup_parent=self.parent,
            hierarchies=detect() if os.geteuid() == 0 else None,
            hidden=[str(self.run), str(self.state)],
            on_event=self.events.append,
        )

    @contextlib.asynccontextmanager
    async def started(self, *, on_exit: str = "stop") -> AsyncIterator[Supervisor]:
        """A running supervisor; afterwards everything is gone, or left running with `keep`."""
        supervisor = self.supervisor()
        async with asyncio.TaskGroup() as group:
            task = group.create_task(supervisor.run())
            try:
                yield supervisor
            finally:
                await supervisor.shutdown(on_exit)
                task.cancel()

    def log(self, replica: str) -> str:
        """What a replica has printed."""
        content = (self.state / "workloads" / replica / "log/current.log").read_text()
        return "".join(line.split(" ", 3)[3] + "\n" for line in content.splitlines())

    def kill_monitor(self, replica: str) -> None:
        """End a replica's monitor by SIGKILL."""
        monitor = json.loads((self.run / "replicas" / replica / "monitor.json").read_text())
        assert start_time(monitor["pid"]) == monitor["start"]
        os.kill(monitor["pid"], signal.SIGKILL)

    def told(self) -> list[tuple[str, int, str]]:
        """Events so far as (type, run, reason or "")."""
        return [(str(event.type), event.run, event.reason or "") for event in self.events]

    def left(self) -> list[str]:
        """Cgroups that are still there."""
        return [
            directory
            for hierarchy in detect().all()
            if os.path.isdir(directory := hierarchy.directory(self.parent))
        ]


def spec(name: str, script: str, **more: Any) -> WorkloadSpec:
    """A workload on the host's root that runs a shell script."""
    return decode({"name": name, "rootfs": "host", "command": ["/bin/sh", "-c", script], **more})


def replica(supervisor: Supervisor, name: str) -> ReplicaStatus:
    """Status of one replica by name."""
    return next(
        replica for status in supervisor.status() for replica in status.replicas if replica.name == name
    )


async def until(condition: Callable[[], object], limit: float = 20.0) -> None:
    """Wait for a condition; TimeoutError after the limit."""
    async with asyncio.timeout(limit):
        while not condition():
            await asyncio.sleep(0.01)
