"""Processes told apart for certain: pid, start time and boot id, and pidfds.

A pid alone is reused; (boot id, pid, start time) never is. Source: proc_pid_stat(5), pidfd_open(2).
"""

from __future__ import annotations

import fcntl
import os
import select
import struct
from typing import NamedTuple

# struct pidfd_info of linux/pidfd.h: mask, cgroup id, eleven ids, exit code; 64 bytes in its first version.
_INFO = struct.Struct("<QQ11Ii")
_INFO_EXIT = 1 << 3
_GET_INFO = (3 << 30) | (_INFO.size << 16) | (0xFF << 8) | 11


_boots: dict[str, str] = {}
_SIZE = 4096


class ProcessKey(NamedTuple):
    """A process for certain: `start` is in clock ticks since boot, field 22 of /proc/PID/stat."""

    pid: int
    start: int
    boot_id: str


def boot_id(proc: str = "/proc") -> str:
    """The kernel's random id of this boot; read once, since no process outlives its boot."""
    if proc not in _boots:
        _boots[proc] = _read(f"{proc}/sys/kernel/random/boot_id").decode().strip()
    return _boots[proc]


def start_time(pid: int, proc: str = "/proc") -> int:
    """Start of a process in clock ticks since boot; 0 when there is no such process (or it is a zombie's ghost)."""
    try:
        content = _read(f"{proc}/{pid}/stat")
    except (FileNotFoundError, ProcessLookupError):
        return 0
    # The command stands in parentheses and may hold anything, so count fields from the last one.
    return int(content[content.rindex(b")") + 2 :].split()[19])


def key_of(pid: int, proc: str = "/proc") -> ProcessKey:
    """The certain identity of a running process; start 0 when it is gone."""
    return ProcessKey(pid, start_time(pid, proc), boot_id(proc))


def _read(path: str) -> bytes:
    """A short file of procfs, without the buffers of a file object."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, _SIZE)
    finally:
        os.close(descriptor)


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


def exit_status(pidfd: int) -> int | None:
    """Wait status of an ended process, also for one who is not its parent, once it has been reaped.

    None while it runs or is a zombie, and on kernels before 6.15, which do not keep it.
    Read it with os.waitstatus_to_exitcode. Source: PIDFD_GET_INFO in ioctl_pidfd(2).
    """
    info = bytearray(_INFO.pack(_INFO_EXIT, *[0] * 13))
    try:
        fcntl.ioctl(pidfd, _GET_INFO, info)
    except OSError:
        return None
    mask, *_, status = _INFO.unpack(info)
    return status if mask & _INFO_EXIT else None
