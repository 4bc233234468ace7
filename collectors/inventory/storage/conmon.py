"""What conmon, which Podman and CRI-O start beside each container, tells of a run by its files and its options.

In the container's run directory lie its own pid and the container's, both renamed into place; the exit code
goes into a file named after the container in a directory of exits, from where the engine takes it away within
some 40 ms. Source: conmon(8).
"""

from __future__ import annotations

import itertools
import os
import stat
from typing import NamedTuple

from collectors.inventory.docker.entry import cgroup_id
from runtime.linux.hierarchies import Hierarchies
from runtime.linux.process import start_time

PIDFILE = "pidfile"
# Podman's name and CRI-O's.
OWN_PIDFILES = ("conmon.pid", "conmon-pidfile")
EXIT_DIRECTORY = "--exit-dir"
LOG_OPTIONS = ("-l", "--log-path")
OPTIONS_LIMIT = 1 << 17
SMALL = 32


class Process(NamedTuple):
    """A running container's first process and the cgroup it is in, empty for one without its own."""

    pid: int
    start: int
    id: str


class Monitor(NamedTuple):
    """A running conmon: where it writes exits, and logs by driver."""

    pid: int
    exits: str
    logs: dict[str, str]


class Run(NamedTuple):
    """The present or last run of a container: `began` is None when there was none since the host started.

    `began` is when conmon wrote its pid, some 50 ms before the container's process starts: the file stays as
    it is until the next run, so the time is the same whenever it is asked for. `left` is when something in
    the run directory last came or went, None when a reboot took it away. `pidfile` says whether the run got as far as a process.
    """

    began: float | None
    pidfile: bool
    process: Process | None
    monitor: Monitor | None
    left: float | None


class Exit(NamedTuple):
    """The end of a run as conmon wrote it: when and with which code; None when the code was not read in time."""

    time: float
    code: int | None


def run_of(directory: str, engine_id: str, hierarchies: Hierarchies) -> Run:
    """Look at a container's run directory and its processes; not for the event loop."""
    own = next((name for name in OWN_PIDFILES if os.path.exists(f"{directory}/{name}")), OWN_PIDFILES[0])
    began = _changed(f"{directory}/{own}")
    if began is None:
        return Run(None, False, None, None, _changed(directory))
    monitor = _monitor(_number(f"{directory}/{own}"), engine_id, hierarchies.proc)
    # The container's pid stays behind when a run ends, so one that is older is the run's before.
    written = _changed(f"{directory}/{PIDFILE}")
    current = written is not None and written >= began
    pid = _number(f"{directory}/{PIDFILE}") if current else 0
    process = process_at(pid, engine_id, hierarchies, parent=monitor.pid if monitor else 0)
    return Run(began, current, process, monitor, _changed(directory))


def process_at(pid: int, engine_id: str, hierarchies: Hierarchies, *, parent: int = 0) -> Process | None:
    """A container's process, known as such by its cgroup's name or by its parent; None for any other."""
    start = start_time(pid, hierarchies.proc) if pid else 0
    if not start:
        return None
    id = cgroup_id(hierarchies, pid, engine_id)
    if engine_id in id:
        return Process(pid, start, id)
    return Process(pid, start, "") if parent and _parent(pid, hierarchies.proc) == parent else None


def exit_in(directory: str, engine_id: str) -> Exit | None:
    """The end that conmon noted of a container; None when there is no such file."""
    try:
        descriptor = os.open(
            f"{directory}/{engine_id}", os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW
        )
    except OSError:
        return None
    try:
        told = os.fstat(descriptor)
        text = os.read(descriptor, SMALL).strip() if stat.S_ISREG(told.st_mode) else b""
        return Exit(told.st_mtime, int(text) if text.isdigit() else None)
    finally:
        os.close(descriptor)


def _monitor(pid: int, engine_id: str, proc: str) -> Monitor | None:
    """The conmon of a pid; None when that process is gone or is another one by now."""
    options = _options(pid, proc) if pid else []
    if engine_id not in options:
        return None
    pairs = list(itertools.pairwise(options))
    logs = (value.partition(":") for option, value in pairs if option in LOG_OPTIONS)
    return Monitor(
        pid,
        next((value for option, value in pairs if option == EXIT_DIRECTORY), ""),
        {driver: path for driver, _, path in logs},
    )


def _options(pid: int, proc: str) -> list[str]:
    try:
        with open(f"{proc}/{pid}/cmdline", "rb") as file:
            return os.fsdecode(file.read(OPTIONS_LIMIT)).split("\0")
    except OSError:
        return []


def _parent(pid: int, proc: str) -> int:
    try:
        with open(f"{proc}/{pid}/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[1])
    except OSError:
        return 0


def _changed(path: str) -> float | None:
    try:
        return os.stat(path).st_mtime
    except OSError:
        return None


def _number(path: str) -> int:
    try:
        with open(path, "rb") as file:
            text = file.read(SMALL).strip()
    except OSError:
        return 0
    return int(text) if text.isdigit() else 0
