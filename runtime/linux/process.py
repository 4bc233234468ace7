"""Processes told apart for certain: pid, start time and boot id, and pidfds.

A pid alone is reused; (boot id, pid, start time) never is. Source: proc_pid_stat(5), pidfd_open(2).
"""

from __future__ import annotations

import os
import select
from typing import NamedTuple


class ProcessKey(NamedTuple):
    """A process for certain: `start` is in clock ticks since boot, field 22 of /proc/PID/stat."""

    pid: int
    start: int
    boot_id: str


def boot_id(proc: str = "/proc") -> str:
    """The kernel's random id of this boot."""
    with open(f"{proc}/sys/kernel/random/boot_id", encoding="ascii") as file:
        return file.read().strip()


def start_time(pid: int, proc: str = "/proc") -> int:
    """Start of a process in clock ticks since boot; 0 when there is no such process (or it is a zombie's ghost)."""
    try:
        with open(f"{proc}/{pid}/stat", "rb") as file:
            content = file.read()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    # The command stands in parentheses and may hold anything, so count fields from the last one.
    return int(content[content.rindex(b")") + 2 :].split()[19])


def key_of(pid: int, proc: str = "/proc") -> ProcessKey:
    """The certain identity of a running process; start 0 when it is gone."""
    return ProcessKey(pid, start_time(pid, proc), boot_id(proc))


def open_pidfd(pid: int, start: int = 0) -> int | None:
    """A descriptor that becomes readable when the process ends; None when it is gone already.

    With `start` the process must have started at that tick, so that a reused pid is never followed.
    The caller closes it.
    """
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return None
    if start and start_time(pid) != start:
        os.close(pidfd)
        return None
    return pidfd


def ended(pidfd: int) -> bool:
    """Whether the process of a pidfd has ended (a zombie counts as ended)."""
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(0))
