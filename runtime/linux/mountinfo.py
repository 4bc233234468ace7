"""What is mounted where, as the kernel lists it for one process.

Source: proc_pid_mountinfo(5).
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple

from runtime.linux.errors import KernelError

_ESCAPE = re.compile(rb"\\([0-7]{3})")


class Mount(NamedTuple):
    """One line of mountinfo.

    `device` is "major:minor", `root` the directory within the file system that stands at `target`.
    `propagation` holds the optional fields: `shared:1`, `master:2`, `unbindable`.
    """

    mount_id: int
    parent_id: int
    device: str
    root: str
    target: str
    options: tuple[str, ...]
    fs_type: str
    source: str
    super_options: tuple[str, ...]
    propagation: tuple[str, ...]


def _text(field: bytes) -> str:
    """A field with its octal escapes (space, tab, newline, backslash) undone."""
    if b"\\" in field:
        field = _ESCAPE.sub(lambda match: bytes((int(match[1], 8),)), field)
    return field.decode("utf-8", "surrogateescape")


def parse(line: bytes) -> Mount:
    """One line of mountinfo; raises ValueError or IndexError when it is none."""
    fields = line.split(b" ")
    # A target may hold anything but a space, so the separator is looked for behind the fixed fields.
    dash = fields.index(b"-", 6)
    return Mount(
        mount_id=int(fields[0]),
        parent_id=int(fields[1]),
        device=fields[2].decode(),
        root=_text(fields[3]),
        target=_text(fields[4]),
        options=tuple(_text(fields[5]).split(",")),
        fs_type=_text(fields[dash + 1]),
        source=_text(fields[dash + 2]),
        super_options=tuple(_text(fields[dash + 3]).split(",")),
        propagation=tuple(field.decode() for field in fields[6:dash]),
    )


def read(path: str = "/proc/self/mountinfo") -> list[Mount]:
    """All mounts in the kernel's order; raises KernelError when the list cannot be read."""
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError as error:
        raise KernelError("read", path, error.errno or 0, "is /proc mounted?") from error
    return [parse(line) for line in content.split(b"\n") if line]


def visible(mounts: list[Mount], fs_types: Collection[str]) -> list[Mount]:
    """The mounts of these types of file system that no later mount covers."""
    parents = {mount.mount_id: mount.parent_id for mount in mounts}
    return [
        mount
        for at, mount in enumerate(mounts)
        if mount.fs_type in fs_types and not _covered(mount, mounts[at + 1 :], parents)
    ]


def _covered(mount: Mount, later: list[Mount], parents: dict[int, int]) -> bool:
    """Whether a later mount lies on the target or above it without being what the mount stands on."""
    below = _ancestors(mount.mount_id, parents)
    for other in later:
        above = other.target.rstrip("/") + "/"
        if (mount.target.rstrip("/") + "/").startswith(above) and other.mount_id not in below:
            return True
    return False


def _ancestors(mount_id: int, parents: dict[int, int]) -> set[int]:
    found: set[int] = set()
    while (mount_id := parents.get(mount_id, 0)) and mount_id not in found:
        found.add(mount_id)
    return found
