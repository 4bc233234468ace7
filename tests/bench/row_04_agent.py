"""Row 4: the agent at 1,000 containers, a scrape each 10 s and logs on, beside Netdata on the same containers.

Each container is a cgroup in every hierarchy with an idle process, and has a json-file log that gets a line a
minute; a stand-in for Docker's socket names them. The agent, then Netdata with its cgroups plugin alone at
its own one second, run as long as each other. Cost is the CPU of the whole process tree for each pass. Memory is
that of the tree's cgroup without page cache, and proportional (PSS). What the kernel keeps of every path that was
ever looked at (inodes and names) is made beforehand, so that it is charged to neither.
Repeat it with `python -m tests.bench.row_04_agent [--minutes 2] [--containers 1000] [--line-each 60]`, as root.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import datetime
import gzip
import itertools
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import threading
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from runtime.linux import hierarchies
from runtime.linux.hierarchies import Hierarchies
from tests.bench import agent as accounts
from tests.bench.enclosure import enclosure
from tests.bench.netdata import netdata
from tests.bench.row_01_read import cgroups
from tests.bench.table import LeftOut, Result
from tests.integration.agents import Agent
from tests.integration.engines import wait_until
from tests.unit.collectors.inventory.engine import engine_at

INTERVAL = 10.0
HEADERS = {"Accept-Encoding": "gzip", "Accept": "text/plain; version=0.0.4"}
# It becomes what it is inside, so that what that takes is charged there.
ENTER = 'for procs do echo $$ >"$procs"; done; exec /bin/sleep infinity'
# Both have found everything and done what they do once.
PATIENCE = 120.0
WARM_UP = 15.0


class Cost(NamedTuple):
    """CPU seconds per pass, memory in MB by the cgroup and by PSS, and what they are made of."""

    cpu: float
    charged: float
    pss: float
    note: str


class Containers(NamedTuple):
    """What both look at: cgroup paths by the engine's ids, and each container's process."""

    paths: Sequence[str]
    pids: Sequence[int]

    @property
    def parent(self) -> str:
        """The cgroup that has them all."""
        return self.paths[0].rpartition("/")[0]


@contextlib.contextmanager
def inhabited(trees: Hierarchies, count: int) -> Iterator[Containers]:
    """So many cgroups in every hierarchy, an idle process in each."""
    with cgroups(trees, count) as paths, contextlib.ExitStack() as processes:
        for tree in trees.all():
            if "cpuset" in tree.controllers and tree.version == 1:
                for path in (paths[0].rpartition("/")[0], *paths):
                    _inherit_cpuset(tree.directory(path))
        pids = []
        for path in paths:
            files = [f"{tree.directory(path)}/cgroup.procs" for tree in trees.all()]
            process = subprocess.Popen(["/bin/sh", "-c", ENTER, "sh", *files])
            processes.callback(process.wait)
            processes.callback(process.kill)
            pids.append(process.pid)
        wait_until(lambda: all(map(_idles, pids)), "the last idle process")
        yield Containers(paths, pids)


def _idles(pid: int) -> bool:
    return pathlib.Path(f"/proc/{pid}/comm").read_text() == "sleep\n"


def _inherit_cpuset(directory: str) -> None:
    for name in ("cpuset.cpus", "cpuset.mems"):
        _write(f"{directory}/{name}", pathlib.Path(os.path.dirname(directory), name).read_text())


def _write(file: str, text: str) -> None:
    with open(file, "w") as opened:
        opened.write(text)


def look_at_all(trees: Hierarchies, paths: Sequence[str]) -> None:
    """Have the kernel make inode and name of each file once."""
    for tree in trees.all():
        for path in paths:
            with os.scandir(tree.directory(path)) as entries:
                for entry in entries:
                    entry.stat()


@contextlib.contextmanager
def named_by_docker(containers: Containers, directory: pathlib.Path, line_each: float) -> Iterator[str]:
    """The socket of an engine that lists the containers, each with a log that gets a line each so many seconds."""
    socket = f"{directory}/docker.sock"
    logs = []
    bodies = {}
    for number, (path, pid) in enumerate(zip(containers.paths, containers.pids, strict=True)):
        id = path.rpartition("/")[2]
        (directory / id).mkdir()
        logs.append(f"{directory}/{id}/{id}-json.log")
        bodies[id] = {
            "Name": f"/container-{number}",
            "LogPath": logs[-1],
            "State": {"Status": "running", "Pid": pid, "StartedAt": "2026-01-01T00:00:00Z"},
            "Config": {"Image": "registry.example/team/service:1.2.3"},
            "HostConfig": {"NetworkMode": "host", "LogConfig": {"Type": "json-file"}},
        }
    ended = threading.Event()
    ready = threading.Event()

    async def serve() -> None:
        async with engine_at(socket) as engine:
            engine.containers.update({id: {"Id": id, **body} for id, body in bodies.items()})
            ready.set()
            await asyncio.to_thread(ended.wait)

    threads = [
        threading.Thread(target=lambda: asyncio.run(serve())),
        threading.Thread(target=_print_lines, args=(logs, line_each, ended)),
    ]
    for thread in threads:
        thread.start()
    try:
        assert ready.wait(30)
        yield socket
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def _print_lines(logs: Sequence[str], each: float, ended: threading.Event) -> None:
    """A line into all logs, then into some of them each second, until told to end."""
    part = max(1, round(each))
    _print_line(logs)
    for turn in itertools.count():
        if ended.wait(1.0):
            return
        _print_line(logs[turn % part :: part])


def _print_line(logs: Sequence[str]) -> None:
    at = datetime.datetime.now(datetime.UTC).isoformat().replace("+00:00", "Z")
    line = json.dumps({"log": "still here and doing well\n", "stream": "stdout", "time": at})
    for log in logs:
        with open(log, "a") as file:
            file.write(line + "\n")


def ours(trees: Hierarchies, containers: Containers, directory: pathlib.Path, options: Options) -> Cost:
    """Scrape the agent as Prometheus does."""
    with (
        named_by_docker(containers, directory, options.line_each) as socket,
        enclosure(trees, f"/deckwatch-bench-{uuid.uuid4().hex[:8]}") as room,
    ):
        settings = {"inventory": {"docker": {"socket": socket}}, "runtime": {"enabled": False}}
        one = Agent(settings, before=room.before, patience=PATIENCE)
        try:
            one.start()
            assert one.process is not None
            account = accounts.Agent(one.process, one.port, f"{one.directory}/run")
            wait_until(lambda: _counted(account) >= len(containers.paths), "a line of each log", PATIENCE)
            time.sleep(WARM_UP)
            before, own_before = account.cpu_seconds(), account.own_cpu_seconds()
            begun, passes = time.monotonic(), int(options.minutes * 60 / INTERVAL)
            for number in range(passes):
                _, body = account.get("/metrics", HEADERS)
                time.sleep(max(0.0, begun + (number + 1) * INTERVAL - time.monotonic()))
            cpu = (account.cpu_seconds() - before) / passes
            own = (account.own_cpu_seconds() - own_before) / passes
            series = gzip.decompress(body).count(b"\ncontainer_") / len(containers.paths)
            pss = account.pss()
            return Cost(
                cpu,
                room.megabytes(),
                sum(pss.values()),
                f"{series:.0f} series each; of CPU and PSS the agent {own:.3f} and {pss['agent']:.0f}, "
                f"the log worker {cpu - own:.3f} and {pss['log worker']:.0f}",
            )
        finally:
            one.close()


def _counted(one: accounts.Agent) -> int:
    """How many containers have had a line of their log counted."""
    _, body = one.get("/metrics?collect[]=logs")
    return body.count(b"\ncontainer_log_lines_total{")


def theirs(trees: Hierarchies, containers: Containers, directory: pathlib.Path, options: Options) -> Cost:
    """Let Netdata collect."""
    seconds = options.minutes * 60
    with (
        enclosure(trees, f"/deckwatch-bench-{uuid.uuid4().hex[:8]}") as room,
        netdata(directory, f"{containers.parent}/*", before=room.before) as one,
    ):
        deadline = time.monotonic() + PATIENCE
        # Its list is long: asked for too often it would do nothing else.
        while (found := len(_families(one.charts()))) < len(containers.paths):
            assert time.monotonic() < deadline, f"netdata shows {found} of {len(containers.paths)} cgroups"
            time.sleep(5)
        time.sleep(WARM_UP)
        before = one.cpu_seconds()
        time.sleep(seconds)
        charts = one.charts()
        passes = one.passes(next(iter(charts)), int(seconds))
        cpu = (one.cpu_seconds() - before) / passes
        series = sum(charts.values()) / len(containers.paths)
        return Cost(cpu, room.megabytes(), one.pss(), f"netdata: {series:.0f} series each, {passes} passes")


def _families(charts: Iterable[str]) -> set[str]:
    return {chart.partition(".")[0] for chart in charts}


class Options(argparse.Namespace):
    """The command line."""

    minutes: float
    containers: int
    line_each: float


def main() -> None:
    """Print row 4."""
    parser = argparse.ArgumentParser(prog="tests.bench.row_04_agent")
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--containers", type=int, default=1000)
    parser.add_argument("--line-each", type=float, default=60.0)
    options = parser.parse_args(namespace=Options())
    what = f"{options.containers:,} containers, a scrape each 10 s, logs on"
    if os.geteuid() != 0 or shutil.which("netdata") is None:
        print(LeftOut("4", what, "needs root and netdata (apt-get install netdata-core)"))
        return
    trees = hierarchies.detect()
    with tempfile.TemporaryDirectory() as text, inhabited(trees, options.containers) as containers:
        look_at_all(trees, containers.paths)
        for name in ("ours", "theirs"):
            pathlib.Path(text, name).mkdir()
        mine = ours(trees, containers, pathlib.Path(text, "ours"), options)
        other = theirs(trees, containers, pathlib.Path(text, "theirs"), options)
    name = "netdata, cgroups plugin, 1 s"
    print(Result("4", f"CPU of a pass: {what}", mine.cpu, other.cpu, "CPU-s", 0.6, name, other.note))
    print(
        Result("4", "memory, by the cgroup without page cache", mine.charged, other.charged, "MB", 0.5, name)
    )
    print(Result("4", "memory, PSS", mine.pss, other.pss, "MB", 0.5, name))
    print(f"      {mine.note}")


if __name__ == "__main__":
    main()
