"""The host's own root file system as a container's root: seen, never changed.

The tree is a recursive clone, read-only at every mount in it, and a slave: an unmount on the host reaches
it, so nothing on the host stays busy because a workload runs. What must not be seen lies under mounts of
the container's own (`own_mounts`) or is covered: the hidden paths of the configuration, and `doors`.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from typing import Any

from runtime.linux import mountinfo

# Directories of the host that a workload finds empty, writable and its own.
OWN_DIRECTORIES = ("/tmp", "/var/tmp", "/run", "/var/run", "/root")
_OWN = (*OWN_DIRECTORIES, "/dev", "/proc", "/sys")
# More would make a start slow, and any user of the host can make sockets. Root's come first.
SOCKETS = 500


def own_mounts(root: str = "/") -> list[dict[str, Any]]:
    """OCI mounts of the private directories, for those that the host has (never through a symlink)."""
    return [
        {
            "destination": path,
            "type": "tmpfs",
            "source": "tmpfs",
            "options": ["nosuid", "nodev", "mode=1777", "size=64m"],
        }
        for path in OWN_DIRECTORIES
        if os.path.isdir(root + path) and not os.path.islink(root + path)
    ]


def doors(wanted: Iterable[str] = (), proc: str = "/proc") -> list[str]:
    """What leads out of a read-only tree: unix sockets, which can be connected to, and other mounts of procfs,
    through which the host's processes lead to its root. Not what lies in `wanted` (targets of own mounts).
    """
    kept = (*_OWN, *wanted)
    found = dict.fromkeys([*_procfs(proc), *_sockets(proc)])
    return [path for path in found if not any(_lies_in(path, place) for place in kept)]


def _procfs(proc: str) -> Iterator[str]:
    mounts = mountinfo.read(f"{proc}/self/mountinfo")
    return (mount.target for mount in mounts if mount.fs_type == "proc")


def _sockets(proc: str) -> list[str]:
    """Sockets of the host that have a path, as it is without links. Source: proc_net(5)."""
    owners: dict[str, int] = {}
    with open(f"{proc}/net/unix", "rb") as file:
        next(file, None)
        for line in file:
            bound = line.rstrip(b"\n").split(b" /", 1)
            if len(bound) == 2:
                directory, name = os.path.split(os.fsdecode(b"/" + bound[1]))
                path = os.path.join(os.path.realpath(directory), name)
                owner = _owner(path)
                if owner is not None:
                    owners[path] = owner
    return sorted(owners, key=lambda path: (owners[path], path))[:SOCKETS]


def _owner(path: str) -> int | None:
    """Who owns a socket; None when it cannot be reached or is none."""
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return status.st_uid if stat.S_ISSOCK(status.st_mode) else None


def _lies_in(path: str, place: str) -> bool:
    return path == place or path.startswith(place.rstrip("/") + "/")
