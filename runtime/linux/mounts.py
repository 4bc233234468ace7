"""Mounts by descriptor: the kernel's mount API of 5.2 and newer, without a path that could be swapped.

A mount is made or cloned detached (`filesystem`, `clone`), shaped (`set_attributes`) and put onto an
opened directory or file (`attach`). Source: fsopen(2), open_tree(2), move_mount(2), mount_setattr(2).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable

from runtime.linux.syscalls import (
    FSCONFIG,
    FSMOUNT,
    FSOPEN,
    MOUNT_SETATTR,
    MOVE_MOUNT,
    OPEN_TREE,
    number,
    syscall,
)

RDONLY = 0x01
NOSUID = 0x02
NODEV = 0x04
NOEXEC = 0x08
NOATIME = 0x10
STRICTATIME = 0x20
NODIRATIME = 0x80
ATIME_MASK = 0x70

SHARED = 1 << 20
PRIVATE = 1 << 18
SLAVE = 1 << 19
UNBINDABLE = 1 << 17

AT_FDCWD = -100
_AT_EMPTY_PATH = 0x1000
_AT_RECURSIVE = 0x8000
_OPEN_TREE_CLONE = 1
_MOVE_MOUNT_F_EMPTY_PATH = 0x04
_MOVE_MOUNT_T_EMPTY_PATH = 0x40
_FSOPEN_CLOEXEC = 1
_FSMOUNT_CLOEXEC = 1
_SET_FLAG = 0
_SET_STRING = 1
_CREATE = 6
_MNT_DETACH = 2


def filesystem(kind: str, options: Iterable[tuple[str, str | None]] = (), attributes: int = 0) -> int:
    """Descriptor of a new detached mount of a file system; options are (key, value or None for a flag)."""
    context = syscall(FSOPEN, kind.encode(), _FSOPEN_CLOEXEC)
    try:
        for key, value in options:
            if value is None:
                syscall(FSCONFIG, context, _SET_FLAG, key.encode(), None, 0)
            else:
                syscall(FSCONFIG, context, _SET_STRING, key.encode(), os.fsencode(value), 0)
        syscall(FSCONFIG, context, _CREATE, None, None, 0)
        return syscall(FSMOUNT, context, _FSMOUNT_CLOEXEC, attributes)
    finally:
        os.close(context)


def clone(path: str, *, directory: int = AT_FDCWD, recursive: bool = False) -> int:
    """Descriptor of a detached copy of the mount at a path (what a bind mount is made of).

    With an empty path `directory` itself is meant.
    """
    flags = _OPEN_TREE_CLONE | os.O_CLOEXEC
    flags |= _AT_RECURSIVE if recursive else 0
    flags |= 0 if path else _AT_EMPTY_PATH
    return syscall(OPEN_TREE, directory, os.fsencode(path), flags)


def attach(mount: int, target: int) -> None:
    """Put a detached mount onto an opened directory or file."""
    syscall(MOVE_MOUNT, mount, b"", target, b"", _MOVE_MOUNT_F_EMPTY_PATH | _MOVE_MOUNT_T_EMPTY_PATH)


def set_attributes(
    mount: int, *, add: int = 0, remove: int = 0, propagation: int = 0, recursive: bool = False
) -> None:
    """Change attributes and propagation of a mount, with `recursive` of all below it at once or none."""
    attributes = struct.pack("<QQQQ", add, remove, propagation, 0)
    flags = _AT_EMPTY_PATH | (_AT_RECURSIVE if recursive else 0)
    syscall(MOUNT_SETATTR, mount, b"", flags, attributes, len(attributes))


def pivot_here() -> None:
    """Make the working directory, a mount, the root of this mount namespace and drop the old one whole.

    Source: pivot_root(2), `pivot_root(".", ".")`.
    """
    syscall(number("pivot_root"), b".", b".")
    syscall(number("umount2"), b".", _MNT_DETACH)
    os.chdir("/")
