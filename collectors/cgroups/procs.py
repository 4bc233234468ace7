"""Which processes are in a cgroup, which threads they have, and what their files say."""

from __future__ import annotations

import os

from collectors.cgroups.reader import GONE
from runtime.linux.errors import NotSupported
from runtime.linux.hierarchies import SYSTEMD, UNIFIED, Hierarchies

# An engine moves a process into one hierarchy after the other, so the first that has any tells.
_ORDER = ("pids", "memory", UNIFIED, SYSTEMD, "cpu", "cpuacct", "cpuset")
# Its own, its parent's, and its one thread's.
_LINKS_OF_ONE = 3
_SIZE = 4096
_LISTING = 65536


def pids_in(hierarchies: Hierarchies, path: str) -> list[int]:
    """Pids in one cgroup (not in those below it), as this process counts them; empty when it is gone.

    A process that this pid namespace cannot see reads as 0 and is left out.
    """
    for controller in _ORDER:
        try:
            listed = _whole(f"{hierarchies.directory(controller, path)}/cgroup.procs")
            pids = [int(pid) for pid in listed.split()]
        except (OSError, NotSupported):
            continue
        if found := [pid for pid in pids if pid]:
            return found
    return []


def threads_of(pid: int, proc: str = "/proc") -> list[int]:
    """Thread ids of a process; empty when it has ended. Raises OSError for any other reason.

    The directory of a process's threads has a link for each, so that one of a single thread, as most are,
    need not be listed.
    """
    directory = f"{proc}/{pid}/task"
    try:
        if os.stat(directory).st_nlink == _LINKS_OF_ONE:
            return [pid]
        return [int(thread) for thread in os.listdir(directory)]
    except OSError as error:
        if error.errno not in GONE:
            raise
        return []


def content_of(path: str) -> bytes:
    """A file of procfs of at most 4 KiB, b"" when its process has ended. Raises OSError for any other reason."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.read(descriptor, _SIZE)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in GONE:
            raise
        return b""


def _whole(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        content = b""
        while part := os.read(descriptor, _LISTING):
            content += part
        return content
    finally:
        os.close(descriptor)
