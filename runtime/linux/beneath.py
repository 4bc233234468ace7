"""Directories named by a mount table: opened without following a link, and the mount that they lie on.

Opening lets go of the interpreter lock, so that it may wait in a thread of its own.
Source: open(2), the mnt_id of proc_pid_fdinfo(5).
"""

from __future__ import annotations

import os

_STEP = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def open_beneath(root: int, path: str, flags: int = os.O_RDONLY) -> int:
    """Descriptor of the directory `path` beneath the open directory `root`; the caller closes it.

    No component may be a link: OSError (ENOTDIR, ELOOP) then, for a mount point has none.
    """
    *parents, last = [name for name in path.split("/") if name] or ["."]
    current = os.open(".", _STEP, dir_fd=root)
    try:
        for name in parents:
            below = os.open(name, _STEP, dir_fd=current)
            os.close(current)
            current = below
        return os.open(last, flags | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=current)
    finally:
        os.close(current)


def mount_of(descriptor: int) -> int:
    """Id of the mount that an open file or directory lies on, as mountinfo numbers it."""
    with open(f"/proc/self/fdinfo/{descriptor}", "rb") as file:
        for line in file:
            name, _, value = line.partition(b":")
            if name == b"mnt_id":
                return int(value)
    raise ValueError(f"/proc/self/fdinfo/{descriptor} does not name a mount")
