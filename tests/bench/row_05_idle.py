"""Row 5: the agent with 10 idle containers and a scrape each 15 s, beside Netdata on the same containers.

CPU is that of the whole process tree over a minute, memory is proportional (PSS). Netdata runs with its cgroups
plugin alone at its own default of one second. Repeat it with `python -m tests.bench.row_05_idle`, as root.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator

import psutil

from tests.bench.agent import Agent, agent
from tests.bench.table import LeftOut, Result

SECONDS = 60
INTERVAL = 15
CONTAINERS = 10

CONFIGURATION = """
inventory: {{docker: {{enabled: false}}}}
runtime: {{on_exit: stop, cgroup_parent: /deckwatch-bench-{unique}}}
workloads_dir: {directory}
workloads: [{{name: idle, rootfs: host, command: [/bin/sleep, "100000"], replicas: {count}}}]
"""

NETDATA = """
[global]
    run as user = root
[directories]
    cache = {directory}/cache
    lib = {directory}/lib
    log = {directory}/log
[db]
    mode = ram
[web]
    bind to = 127.0.0.1:{port}
[plugins]
    enable running new plugins = no
    cgroups = yes
    proc = no
    diskspace = no
    tc = no
    idlejitter = no
    timex = no
    statsd = no
    apps = no
    checks = no
[ml]
    enabled = no
[statsd]
    enabled = no
[cloud]
    enabled = no
"""


def idle(one: Agent) -> tuple[float, dict[str, float]]:
    """Percent of a core over the time, and memory at its end."""
    before = one.cpu_seconds()
    for _ in range(SECONDS // INTERVAL):
        one.get("/metrics", {"Accept-Encoding": "gzip"})
        time.sleep(INTERVAL)
    return (one.cpu_seconds() - before) / SECONDS * 100, one.pss()


@contextlib.contextmanager
def netdata(directory: pathlib.Path) -> Iterator[psutil.Process]:
    """A Netdata of the measurement's own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    for name in ("cache", "lib", "log"):
        (directory / name).mkdir()
    file = directory / "netdata.conf"
    file.write_text(NETDATA.format(directory=directory, port=port))
    process = subprocess.Popen(
        ["netdata", "-D", "-c", str(file), "-P", str(directory / "pid")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        time.sleep(10)
        if process.poll() is not None:
            raise RuntimeError("netdata ended at its start")
        yield psutil.Process(process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def cost(process: psutil.Process) -> tuple[float, float]:
    """Percent of a core over the same time, and proportional memory in MB, of a process and its children."""

    def tree() -> list[psutil.Process]:
        return [process, *process.children(recursive=True)]

    def cpu() -> float:
        return sum(sum(one.cpu_times()[:2]) for one in tree())

    before = cpu()
    time.sleep(SECONDS)
    used = (cpu() - before) / SECONDS * 100
    return used, sum(one.memory_full_info().pss for one in tree()) / 2**20


def main() -> None:
    """Print row 5: against its fixed targets, and beside Netdata."""
    if os.geteuid() != 0:
        print(LeftOut("5", "idle with 10 containers", "needs root"))
        return
    with tempfile.TemporaryDirectory() as text:
        directory = pathlib.Path(text)
        (directory / "none").mkdir()
        values = {"unique": uuid.uuid4().hex[:8], "directory": directory / "none", "count": CONTAINERS}
        with agent(directory, CONFIGURATION.format(**values)) as one:
            deadline = time.monotonic() + 30
            while one.get("/metrics")[1].count(b'cpu="total"') <= CONTAINERS and time.monotonic() < deadline:
                time.sleep(0.2)
            time.sleep(5)
            percent, memory = idle(one)
            print(
                Result("5", "CPU idle, 10 containers, 15 s scrapes", percent, 0.3, "%", 1, "0.3 % of a core")
            )
            print(Result("5", "memory of the agent (PSS)", memory["agent"], 60, "MB", 1, "60 MB"))
            print(Result("5", "memory of the log worker (PSS)", memory["log worker"], 30, "MB", 1, "30 MB"))
            print(f"      zygote and {CONTAINERS} monitors together (PSS): {memory['others']:.1f} MB")
            if shutil.which("netdata") is None:
                print(LeftOut("5", "the same of Netdata", "netdata is not installed"))
                return
            (directory / "netdata").mkdir()
            with netdata(directory / "netdata") as other:
                theirs, size = cost(other)
        print(
            Result("5", "the same beside Netdata's", percent, theirs, "%", 1, "netdata, cgroups plugin, 1 s")
        )
        print(f"      netdata's memory (PSS): {size:.1f} MB")


if __name__ == "__main__":
    main()
