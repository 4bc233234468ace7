"""A Netdata of a measurement's own (Debian's netdata-core), its cgroups plugin alone, at its own one second.

Its database is the package's default. The scripts that it runs once for each new cgroup, to ask engines for names and for network links, are left out.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import pathlib
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from typing import Any

import psutil

from runtime.linux import hierarchies

CONFIGURATION = """
[global]
    run as user = root
[directories]
    cache = {directory}/cache
    lib = {directory}/lib
    log = {directory}/log
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
[plugin:cgroups]
    use unified cgroups = {unified}
    max cgroups to allow = 20000
    enable by default cgroups matching = {matching} !*
    run script to rename cgroups matching = !*
    script to get cgroup network interfaces = /bin/true
[health]
    enabled = no
[ml]
    enabled = no
[statsd]
    enabled = no
[cloud]
    enabled = no
"""


class Netdata:
    """A running Netdata and what its whole process tree costs."""

    def __init__(self, process: psutil.Process, port: int) -> None:
        self.process = process
        self._port = port

    def get(self, path: str) -> Any:
        """The JSON that its API answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        try:
            connection.request("GET", path)
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    def charts(self) -> dict[str, int]:
        """Its charts of cgroups, `cgroup_NAME.KIND`, each with its number of series."""
        found = self.get("/api/v1/charts")["charts"].items()
        return {name: len(chart["dimensions"]) for name, chart in found if name.startswith("cgroup_")}

    def passes(self, chart: str, seconds: int) -> int:
        """How many values it has collected for a chart in the last so many seconds."""
        found = self.get(f"/api/v1/data?chart={chart}&after=-{seconds}&format=json")["data"]
        return sum(any(value is not None for value in values) for _, *values in found)

    def tree(self) -> list[psutil.Process]:
        """It and all that it started."""
        return [self.process, *self.process.children(recursive=True)]

    def cpu_seconds(self) -> float:
        """CPU seconds so far, those of helpers that have ended among them."""
        total = 0.0
        for one in self.tree():
            with contextlib.suppress(psutil.NoSuchProcess):
                total += sum(one.cpu_times()[:4])
        return total

    def pss(self) -> float:
        """Proportional memory of all in MB."""
        total = 0
        for one in self.tree():
            with contextlib.suppress(psutil.NoSuchProcess):
                total += one.memory_full_info().pss
        return total / 2**20


@contextlib.contextmanager
def netdata(directory: pathlib.Path, matching: str, *, before: Sequence[str] = ()) -> Iterator[Netdata]:
    """One with its files under `directory`, from when it answers, over the cgroups that match a pattern of its own.

    `before` is a command that runs it.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    for name in ("cache", "lib", "log"):
        (directory / name).mkdir()
    file = directory / "netdata.conf"
    # Of itself it takes the unified hierarchy of a hybrid host, which has no controllers there.
    memory = hierarchies.detect().of("memory")
    unified = "yes" if memory is not None and memory.version == 2 else "no"
    values = {"directory": directory, "port": port, "matching": matching, "unified": unified}
    file.write_text(CONFIGURATION.format(**values))
    process = subprocess.Popen(
        [*before, "netdata", "-D", "-c", str(file), "-P", str(directory / "pid")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    made = Netdata(psutil.Process(process.pid), port)
    try:
        deadline = time.monotonic() + 30
        while not _answers(made):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("netdata ended or did not answer at its start")
            time.sleep(0.2)
        yield made
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def _answers(made: Netdata) -> bool:
    try:
        return bool(made.get("/api/v1/info"))
    except (OSError, ValueError, http.client.HTTPException):
        return False
