"""Stand-ins of engines, as a process: a CRI-O by its storage, a Docker by its socket, and what writes their logs.

`python -m tests.soak.logs.engines DIRECTORY LIMIT PER_SECOND ID …`: the ids of CRI-O's containers stand among the
arguments, as in those of a conmon. On SIGUSR1 nothing more is written, and a line tells how many lines each
container has printed; on SIGTERM it ends.
"""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from os import getpid
from pathlib import Path
from typing import IO

from tests.soak.logs import lines
from tests.soak.logs.plan import KINDS, Written, written
from tests.soak.logs.rotation import Log
from tests.unit.collectors.inventory.engine import Engine, engine_at
from tests.unit.collectors.inventory.tree import Tree, id_of

TICK = 0.05


class Writer:
    """One container's log, and how far its lines have come."""

    def __init__(self, one: Written, path: str, limit: int, per_second: float) -> None:
        kind = KINDS[one.kind]
        self.printed = 0
        self._name = one.name
        self._rate = one.rate(per_second)
        self._log = Log(path, kind.records, kind.rotate, limit=limit, keep=kind.keep)

    def print(self, seconds: float) -> None:
        """Print what is due so many seconds after the beginning. All lines of one look have one time, as conmon's."""
        moment = time.time_ns()
        due = int(seconds * self._rate)
        for number in range(self.printed, due):
            for _ in range(lines.copies(number)):
                self._log.put(moment, lines.stream(number), lines.text(self._name, number))
        self.printed = due


def log_path(directory: str, name: str) -> str:
    """Where a container's log lies."""
    return f"{directory}/logs/{name}/0.log"


def tell_crio(tree: Tree, name: str, path: str, process: int) -> None:
    """Have CRI-O's storage tell of a container that runs."""
    id = tree.crio(name, "soak", labels={}, LogPath=path)
    tree.put(f"{tree.run_directory(id)}/conmon-pidfile", str(getpid()))
    tree.put(f"{tree.run_directory(id)}/pidfile", str(process))
    tree.state(id, "running", started=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))


def tell_docker(engine: Engine, name: str, path: str) -> None:
    """Have Docker's socket tell of a container that runs."""
    engine.add(id_of(name), LogPath=path, HostConfig={"LogConfig": {"Type": "json-file"}})
    engine.containers[id_of(name)]["Name"] = f"/{name}"


async def serve(directory: str, limit: int, per_second: float) -> None:
    """Make the containers known and print until told to end."""
    loop = asyncio.get_running_loop()
    quiet, ended = asyncio.Event(), asyncio.Event()
    loop.add_signal_handler(signal.SIGUSR1, quiet.set)

    def end() -> None:
        quiet.set()
        ended.set()

    loop.add_signal_handler(signal.SIGTERM, end)
    tree = Tree(Path(directory) / "crio")
    processes: list[subprocess.Popen[bytes]] = []
    writers: dict[str, Writer] = {}
    async with engine_at(f"{directory}/docker.sock") as engine:
        try:
            for one in written():
                path = log_path(directory, one.name)
                writers[one.name] = Writer(one, path, limit, per_second)
                if one.engine == "crio":
                    processes.append(subprocess.Popen(["sleep", "infinity"]))
                    tell_crio(tree, one.name, path, processes[-1].pid)
                else:
                    tell_docker(engine, one.name, path)
            _say(sys.stdout, "ready")
            await _write(list(writers.values()), quiet)
            _say(sys.stdout, json.dumps({name: writer.printed for name, writer in writers.items()}))
            await ended.wait()
        finally:
            for process in processes:
                process.kill()
                process.wait()


async def _write(writers: list[Writer], quiet: asyncio.Event) -> None:
    began = time.monotonic()
    while not quiet.is_set():
        for writer in writers:
            writer.print(time.monotonic() - began)
            await asyncio.sleep(0)
        await asyncio.sleep(TICK)


def _say(file: IO[str], line: str) -> None:
    file.write(f"{line}\n")
    file.flush()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
