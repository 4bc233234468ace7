"""The user of a workload: `uid`, `uid:gid` or names, looked up in the root file system's own files.

The files are opened inside that root and parsed here, so that nothing of it is loaded or followed out.
Source: passwd(5), group(5).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from typing import NamedTuple

from runtime.linux.errors import Refused
from runtime.linux.paths import open_in_root

_LIMIT = 1 << 20
# The id above it, -1, means "leave it as it is" to the kernel; larger ones would be cut to 32 bits.
LAST_ID = (1 << 32) - 2


class User(NamedTuple):
    """Ids of a workload's user and its home directory."""

    uid: int
    gid: int
    home: str


def resolve(user: str | int | None, rootfs: str, default: int = 0) -> User:
    """The user that `1000`, `1000:1000`, `www-data` or `app:app` means in a root file system.

    Without a group it is the user's own of passwd, else 0. Refused names what cannot be found.
    """
    name, separator, group = str(default if user is None else user).partition(":")
    if not name or (separator and not group):
        raise Refused("user", f"{user!r} is not USER or USER:GROUP", "write for example 1000:1000")
    entry = _find(rootfs, "/etc/passwd", name)
    if entry is None and not name.isdecimal():
        raise Refused("user", f"no user {name} in the root file system", "give its number")
    uid = int(entry[2]) if entry else int(name)
    own_gid = int(entry[3]) if entry else 0
    gid = group_id(group, rootfs) if group else own_gid
    if max(uid, gid) > LAST_ID:
        raise Refused("user", f"{max(uid, gid)} is no id that a process can have", f"use one up to {LAST_ID}")
    home = entry[5] if entry and len(entry) > 5 and entry[5].startswith("/") else "/"
    return User(uid, gid, home)


def group_id(group: str | int, rootfs: str) -> int:
    """Id of a group by number or by the root file system's group file."""
    text = str(group)
    entry = None if text.isdecimal() else _find(rootfs, "/etc/group", text)
    if entry is None and not text.isdecimal():
        raise Refused("groups", f"no group {text} in the root file system", "give its number")
    found = int(entry[2] if entry else text)
    if found > LAST_ID:
        raise Refused("groups", f"{found} is no id that a process can have", f"use one up to {LAST_ID}")
    return found


def _find(rootfs: str, path: str, name: str) -> Sequence[str] | None:
    """The line whose name, or else number, is the one wanted."""
    lines = [line.split(":") for line in _read(rootfs, path).splitlines()]
    whole = [fields for fields in lines if len(fields) >= 4 and fields[2].isdecimal()]
    for place in (0, 2):
        for fields in whole:
            if fields[place] == name and (place == 0 or name.isdecimal()):
                return fields
    return None


def _read(rootfs: str, path: str) -> str:
    try:
        root = os.open(rootfs, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise Refused(
            "rootfs", f"cannot open {rootfs}: {error.strerror}", "give an existing directory"
        ) from error
    try:
        place = open_in_root(root, path)
    except OSError:
        # A root file system need not have users by name.
        return ""
    finally:
        os.close(root)
    try:
        # Opening a device is an act of its own, whatever is read from it.
        if not stat.S_ISREG(os.fstat(place).st_mode):
            return ""
        with open(f"/proc/self/fd/{place}", "rb") as file:
            return file.read(_LIMIT).decode("utf-8", "replace")
    finally:
        os.close(place)
