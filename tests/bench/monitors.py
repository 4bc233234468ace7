"""Beds of rows 6 and 10: one workload under our monitor, and the same command under conmon."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator

from runtime.linux.hierarchies import detect
from runtime.supervision.spec import decode
from runtime.supervision.supervisor import Supervisor

BUSYBOX = "/bin/busybox"
# conmon calls it as `… create --bundle B --pid-file P ID`: it leaves the command behind as conmon's orphan.
FAKE_RUNTIME = """#!/bin/sh
while [ $# -gt 0 ]; do case $1 in --pid-file) pidfile=$2; shift;; create) create=1;; esac; shift; done
[ -n "$create" ] || exit 0
{command} &
echo -n $! > $pidfile
"""


def cpu_seconds(pid: int) -> float:
    """CPU time of one process, all its threads, to the nanosecond (its CPU clock, see clock_getcpuclockid(3))."""
    return time.clock_gettime((~pid << 3) | 2)


def children_cpu_seconds(pid: int) -> float:
    """CPU time of the children that a process has waited for, in ticks."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


def memory_kib(pid: int) -> dict[str, int]:
    """The figures of smaps_rollup, in KiB."""
    lines = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    return {name.rstrip(":"): int(value) for name, value, *_ in map(str.split, lines)}


def private_kib(pid: int) -> int:
    """Memory that ends with this process, in KiB."""
    found = memory_kib(pid)
    return found["Private_Dirty"] + found["Private_Clean"]


def wait_until(condition: Callable[[], object], limit: float = 60.0) -> None:
    """Wait for a condition; TimeoutError after the limit."""
    deadline = time.monotonic() + limit
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("the bench waited too long")
        time.sleep(0.02)


def make_rootfs(directory: pathlib.Path) -> str:
    """A root file system of busybox alone."""
    (directory / "bin").mkdir(parents=True)
    shutil.copy(BUSYBOX, directory / "bin/busybox")
    for applet in ("sh", "dd", "sleep"):
        (directory / "bin" / applet).symlink_to("busybox")
    return str(directory)


@contextlib.asynccontextmanager
async def supervised(
    root: pathlib.Path, command: str, lines: pathlib.Path | None = None, **logs: object
) -> AsyncIterator[tuple[int, pathlib.Path]]:
    """A workload running a shell command, with a file as `/lines`: its monitor's pid and log directory."""
    supervisor = Supervisor(
        run_dir=str(root / "run"),
        state_dir=str(root / "state"),
        cgroup_parent=f"/deckwatch-bench-{os.getpid()}",
        hierarchies=detect(),
        hidden=[],
        on_event=lambda event: None,
    )
    spec = {"name": "bench", "rootfs": make_rootfs(root / "rootfs"), "command": ["/bin/sh", "-c", command]}
    if lines is not None:
        os.link(lines, root / "rootfs/lines")
    async with asyncio.TaskGroup() as group:
        running = group.create_task(supervisor.run())
        try:
            await supervisor.apply([decode({**spec, "logs": logs})], owner="api")
            (status,) = await supervisor.settled(["bench"], 20)
            if status.replicas[0].state != "running":
                raise RuntimeError("; ".join(status.failures))
            monitor = json.loads((root / "run/replicas/bench-1/monitor.json").read_text())
            yield monitor["pid"], root / "state/workloads/bench-1/log"
        finally:
            await supervisor.shutdown("stop")
            running.cancel()


@contextlib.contextmanager
def under_conmon(root: pathlib.Path, command: str, log: pathlib.Path) -> Iterator[int]:
    """The same command under conmon, writing a k8s-file log: pid of conmon."""
    runtime = root / "runtime"
    runtime.write_text(FAKE_RUNTIME.format(command=command))
    runtime.chmod(0o755)
    pidfile = root / "conmon.pid"
    arguments = ["-c", "bench", "-u", "bench", "-n", "bench", "-r", str(runtime), "-b", str(root)]
    arguments += ["-p", str(root / "pid"), "-P", str(pidfile), "-l", f"k8s-file:{log}"]
    subprocess.run(
        ["conmon", *arguments, "--exit-dir", str(root), "--socket-dir-path", str(root)],
        check=True,
        stdin=subprocess.DEVNULL,
        cwd=root,
    )
    for path in (pidfile, root / "pid"):
        wait_until(lambda path=path: path.exists() and path.read_text().strip())  # type: ignore[misc]
    pid = int(pidfile.read_text())
    try:
        yield pid
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(int((root / "pid").read_text()), signal.SIGKILL)
        wait_until(lambda: not os.path.exists(f"/proc/{pid}") or _is_zombie(pid))


def _is_zombie(pid: int) -> bool:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return ") Z" in pathlib.Path(f"/proc/{pid}/stat").read_text()
    return True
