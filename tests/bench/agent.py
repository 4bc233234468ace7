"""An agent of a measurement's own: started on a configuration, its whole process tree accounted, ended."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import psutil

TICKS = os.sysconf("SC_CLK_TCK")


class Agent:
    """A running agent that listens on a port of its own."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, run_dir: str) -> None:
        self.process = process
        self.port = port
        self.run_dir = run_dir

    def get(self, path: str, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
        """Status and body of one request, on a connection of its own as a scraper's first one is."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("GET", path, headers=headers or {})
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer.status, body

    def tree(self) -> list[psutil.Process]:
        """The agent, its log worker, and zygote and monitors, which are nobody's children on purpose."""
        agent = psutil.Process(self.process.pid)
        found = {one.pid: one for one in (agent, *agent.children(recursive=True))}
        run = pathlib.Path(self.run_dir)
        for file in (*run.glob("zygote/zygote.json"), *run.glob("replicas/*/monitor.json")):
            with contextlib.suppress(psutil.Error, OSError, ValueError):
                one = psutil.Process(json.loads(file.read_text())["pid"])
                found |= {each.pid: each for each in (one, *_inits(one))}
        return list(found.values())

    def cpu_seconds(self) -> float:
        """CPU of the whole tree, in seconds."""
        return sum(self._cpu(one.pid) for one in self.tree())

    def own_cpu_seconds(self) -> float:
        """CPU of the agent's own process, in seconds with the kernel's resolution."""
        return self._cpu(self.process.pid)

    def pss(self) -> dict[str, float]:
        """Proportional memory in MB: of the agent's own process, its log worker, and of all the rest."""
        sizes = {"agent": 0.0, "log worker": 0.0, "others": 0.0}
        for one in self.tree():
            name = "agent" if one.pid == self.process.pid else "others"
            with contextlib.suppress(psutil.Error, OSError):
                if "agent.logs.worker" in one.cmdline():
                    name = "log worker"
                sizes[name] += _rollup(one.pid, "Pss") / 1024
        return sizes

    @staticmethod
    def _cpu(pid: int) -> float:
        """Nanoseconds on a CPU from schedstat where there is one, else ticks."""
        try:
            total = 0
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/schedstat") as file:
                    total += int(file.read().split()[0])
            return total / 1e9
        except (OSError, IndexError):
            return 0.0


def _inits(monitor: psutil.Process) -> list[psutil.Process]:
    """The built-in PID 1 of a monitor's container; what runs below it is the workload."""
    return [one for one in monitor.children() if one.name() == "init"]


def _rollup(pid: int, field: str) -> int:
    with open(f"/proc/{pid}/smaps_rollup") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(field + ":"))


@contextlib.contextmanager
def agent(directory: pathlib.Path, configuration: str) -> Iterator[Agent]:
    """An agent with state under `directory`; `configuration` is YAML without `paths` and `server`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    file = directory / "deckwatch.yaml"
    file.write_text(
        f"paths: {{state: {directory}/state, run: {directory}/run}}\n"
        f'server: {{listen: ["127.0.0.1:{port}"]}}\n' + configuration
    )
    with open(directory / "agent.log", "wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "agent", "run", "-c", str(file)], stderr=log, stdout=log
        )
    try:
        made = Agent(process, port, f"{directory}/run")
        _wait_ready(made, directory)
        yield made
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def _wait_ready(made: Agent, directory: pathlib.Path) -> None:
    limit = time.monotonic() + 30
    while time.monotonic() < limit and made.process.poll() is None:
        with contextlib.suppress(OSError):
            if made.get("/-/ready")[0] == 200:
                return
        time.sleep(0.05)
    raise RuntimeError(f"the agent did not get ready: {(directory / 'agent.log').read_text()[-2000:]}")
