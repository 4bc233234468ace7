"""How a run ended: learnt from whoever knows, judged, and recorded before anybody is told."""

from __future__ import annotations

import fcntl
import os
import signal
import struct
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from runtime.container.protocol import read_file, write_file
from runtime.container.status import read_status

KEEP = 20
PATIENCE = 1.0
# ioctl PIDFD_GET_INFO with the 64 byte structure; the kernel fills the exit status once it is reaped (6.15).
PIDFD_GET_INFO = 0xC040FF0B
PIDFD_INFO_EXIT = 1 << 3
INFO = struct.Struct("<Q52xi")


class Ending(NamedTuple):
    """Exit code or signal; both None when nobody knows."""

    code: int | None = None
    signal: int | None = None

    @property
    def exit_code(self) -> int | None:
        """Exit code as a shell tells it: 128 + the signal of one that was killed."""
        return self.code if self.signal is None else 128 + self.signal


def from_wait_status(status: int) -> Ending:
    """What wait(2) said."""
    if os.WIFSIGNALED(status):
        return Ending(signal=os.WTERMSIG(status))
    return Ending(code=os.WEXITSTATUS(status))


def from_pidfd(pidfd: int) -> Ending | None:
    """What the kernel keeps behind a pidfd after its process was reaped by another; None when nothing."""
    buffer = bytearray(INFO.size)
    INFO.pack_into(buffer, 0, PIDFD_INFO_EXIT, 0)
    try:
        fcntl.ioctl(pidfd, PIDFD_GET_INFO, buffer)
    except OSError:
        return None
    mask, status = INFO.unpack(buffer)
    return from_wait_status(status) if mask & PIDFD_INFO_EXIT else None


def from_zygote(directory: str, pid: int) -> Ending | None:
    """What the zygote recorded when it reaped the process in place of a dead monitor."""
    reaped = read_file(f"{directory}/reaped")
    return from_wait_status(reaped["status"]) if reaped and reaped.get("pid") == pid else None


def ending_of(
    directory: str, pid: int, pidfd: int | None, *, wait: Callable[[float], None] = time.sleep
) -> Ending:
    """End of a container's first process that has ended: from wait, its own record, the zygote, the kernel.

    The built-in init's record comes first: it tells a command's signal from an exit code above 128.
    """
    waited = _wait(pid)
    told = read_status(f"{directory}/status")
    if told is not None:
        return Ending(*told)
    deadline = time.monotonic() + PATIENCE
    while waited is None:
        waited = from_zygote(directory, pid) or (from_pidfd(pidfd) if pidfd is not None else None)
        if time.monotonic() > deadline:
            break
        if waited is None:
            wait(0.01)
    return waited or Ending()


def ended_at(directory: str) -> float:
    """When a run ended that nobody watched: as its init or the zygote left it behind, else now."""
    for name in ("status", "reaped"):
        try:
            found = os.stat(f"{directory}/{name}")
        except FileNotFoundError:
            continue
        if found.st_size:
            return found.st_mtime
    return time.time()


def _wait(pid: int) -> Ending | None:
    try:
        waited, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return None
    return from_wait_status(status) if waited else None


def judge(ending: Ending, *, stopped: bool, oom_kills: int, lost: bool = False) -> str:
    """Reason of an end. An OOM kill is known by the cgroup's counter, not by signal 9."""
    if lost:
        return "lost"
    if stopped:
        return "stopped"
    if oom_kills and ending.code != 0:
        return "oom"
    if ending.signal is not None:
        return "signal"
    if ending.code is None:
        return "unknown"
    return "error" if ending.code else "completed"


def write_record(directory: str, run: int, record: dict[str, Any]) -> None:
    """Record the end of a run, durably, and forget the oldest records beyond a bounded number."""
    os.makedirs(directory, mode=0o700, exist_ok=True)
    write_file(f"{directory}/{run}.json", {"run": run, **record}, sync=True)
    runs = sorted(int(name[:-5]) for name in os.listdir(directory) if name[:-5].isdigit())
    for old in runs[:-KEEP]:
        os.unlink(f"{directory}/{old}.json")


def signal_number(name: str) -> int:
    """Number of a signal by name, with or without SIG, or by number; ValueError when there is none such."""
    if name.isdigit():
        return signal.Signals(int(name)).value
    try:
        return signal.Signals[name if name.startswith("SIG") else f"SIG{name}"].value
    except KeyError:
        raise ValueError(f"there is no signal {name}") from None
