"""Which processes are in a cgroup, which threads they have, and what their files say."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

from collectors.cgroups.reader import GONE
from runtime.linux.errors import NotSupported
from runtime.linux.hierarchies import SYSTEMD, UNIFIED, Hierarchies

# An engine moves a process into one hierarchy after the other, so the first that has any tells.
_ORDER = ("pids", "memory", UNIFIED, SYSTEMD, "cpu", "cpuacct", "cpuset")
# Its own, its parent's, and its one thread's.
_LINKS_OF_ONE = 3
_SIZE = 4096
_LISTING = 65536
# A directory without directories in it: its own link and its parent's.
_LINKS_OF_NONE_BELOW = 2
# Cgroups of one container that are looked at.
_MOST_CGROUPS = 256


def pids_in(hierarchies: Hierarchies, path: str) -> list[int]:
    """Pids in one cgroup (not in those below it), as this process counts them; empty when it is gone.

    A process that this pid namespace cannot see reads as 0 and is left out.
    """
    for controller in _ORDER:
        try:
            found = _listed(hierarchies.directory(controller, path))
        except (OSError, NotSupported):
            continue
        if found:
            return found
    return []


def pids_below(hierarchies: Hierarchies, path: str, apart: Callable[[str], bool]) -> list[int]:
    """Pids in one cgroup and in those below it, but for cgroups that are `apart`, by path, and what is below these.

    So a container that runs systemd or containers of its own has its processes, but not those of others
    that are told for themselves. Raises OSError, and ValueError when it has more cgroups than are looked at.
    """
    for controller in _ORDER:
        try:
            directory = hierarchies.directory(controller, path)
        except NotSupported:
            continue
        if found := _gathered(directory, path, apart):
            return found
    return []


def _gathered(directory: str, path: str, apart: Callable[[str], bool]) -> list[int]:
    found: list[int] = []
    seen = 0
    waiting = [""]
    while waiting:
        here = waiting.pop()
        seen += 1
        if seen > _MOST_CGROUPS:
            raise ValueError(f"more than {_MOST_CGROUPS} cgroups below {path}")
        try:
            found += _listed(directory + here)
            waiting += [name for name in _below(directory, here) if not apart(path + name)]
        except OSError as error:
            # One that has threads of others' processes alone has no processes.
            if error.errno not in GONE and error.errno != errno.EOPNOTSUPP:
                raise
    return found


def _below(directory: str, here: str) -> list[str]:
    """Cgroups in a cgroup; most have none, and a directory has a link for each."""
    if os.stat(directory + here).st_nlink == _LINKS_OF_NONE_BELOW:
        return []
    with os.scandir(directory + here) as entries:
        return [f"{here}/{entry.name}" for entry in entries if entry.is_dir(follow_symlinks=False)]


def _listed(directory: str) -> list[int]:
    return [number for pid in _whole(f"{directory}/cgroup.procs").split() if (number := int(pid))]


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
