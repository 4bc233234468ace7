"""Row 5: the agent with 10 idle containers and a scrape each 15 s, beside Netdata on the same containers.

CPU is that of the whole process tree over a minute, memory is proportional (PSS). Netdata runs with its cgroups
plugin alone at its own default of one second. Repeat it with `python -m tests.bench.row_05_idle`, as root.
"""

from __future__ import annotations

import os
import pathlib
import shutil
import tempfile
import time
import uuid

from tests.bench.agent import Agent, agent
from tests.bench.netdata import Netdata, netdata
from tests.bench.table import LeftOut, Result

SECONDS = 60
INTERVAL = 15
CONTAINERS = 10
# Netdata looks for cgroups each ten seconds.
SETTLE = 15

CONFIGURATION = """
inventory: {{docker: {{enabled: false}}}}
runtime: {{on_exit: stop, cgroup_parent: /deckwatch-bench-{unique}}}
workloads_dir: {directory}
workloads: [{{name: idle, rootfs: host, command: [/bin/sleep, "100000"], replicas: {count}}}]
"""


def idle(one: Agent) -> tuple[float, dict[str, float]]:
    """Percent of a core over the time, and memory at its end."""
    before = one.cpu_seconds()
    for _ in range(SECONDS // INTERVAL):
        one.get("/metrics", {"Accept-Encoding": "gzip"})
        time.sleep(INTERVAL)
    return (one.cpu_seconds() - before) / SECONDS * 100, one.pss()


def cost(one: Netdata) -> tuple[float, float]:
    """Percent of a core over the same time, and proportional memory in MB, of Netdata's whole process tree."""
    before = one.cpu_seconds()
    time.sleep(SECONDS)
    return (one.cpu_seconds() - before) / SECONDS * 100, one.pss()


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
            with netdata(directory / "netdata", f"/deckwatch-bench-{values['unique']}/*") as other:
                time.sleep(SETTLE)
                theirs, size = cost(other)
        print(
            Result("5", "the same beside Netdata's", percent, theirs, "%", 1, "netdata, cgroups plugin, 1 s")
        )
        print(f"      netdata's memory (PSS): {size:.1f} MB")


if __name__ == "__main__":
    main()
