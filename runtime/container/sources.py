"""What a container takes from the host by path, opened before its root exists.

These paths come from the workload's owner and are the host's; nothing in the container can change them.
Everything afterwards goes by descriptor (`mounts`, `security`).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from runtime.container.failure import StartError
from runtime.linux import mounts

if TYPE_CHECKING:
    from runtime.container.bundle import Plan

# Default devices of the OCI runtime specification: name, major, minor.
DEVICES = (
    ("null", 1, 3),
    ("zero", 1, 5),
    ("full", 1, 7),
    ("random", 1, 8),
    ("urandom", 1, 9),
    ("tty", 5, 0),
)


class Sources(NamedTuple):
    """Opened host things: the root tree (detached), where it goes, bind sources by position, devices."""

    root: int
    place: int
    binds: dict[int, int]
    null: int
    devices: dict[str, int]


def make_private(*, slave: bool) -> None:
    """Let no mount of this namespace reach the host; as a slave the host's still reach here."""
    root = os.open("/", os.O_PATH | os.O_CLOEXEC)
    mounts.set_attributes(root, propagation=mounts.SLAVE if slave else mounts.PRIVATE, recursive=True)
    os.close(root)


def open_sources(plan: Plan) -> Sources:
    """Open everything the plan names on the host."""
    path = "/" if plan.host_root else plan.rootfs
    root = _clone(path, recursive=True, what="root file system")
    binds = {
        position: _clone(mount.source, recursive=mount.recursive, what=f"source of mount {mount.target}")
        for position, mount in enumerate(plan.mounts)
        if mount.kind == "bind"
    }
    return Sources(
        root=root,
        place=os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC),
        binds=binds,
        null=_device("null", 1, 3),
        devices={name: _device(name, major, minor) for name, major, minor in DEVICES} if plan.uid_map else {},
    )


def open_views(directories: Sequence[tuple[str, str]]) -> list[tuple[str, int]]:
    """Detached mounts of the container's own cgroup directories, by the name they have inside."""
    return [(name, _clone(directory, recursive=False, what="cgroup")) for name, directory in directories]


def _clone(path: str, *, recursive: bool, what: str) -> int:
    try:
        return mounts.clone(path, recursive=recursive)
    except OSError as error:
        text = f"cannot use {path} as {what}: {error.strerror}"
        raise StartError("mounts", error.errno or 0, text) from error


def _device(name: str, major: int, minor: int) -> int:
    """A device of the host, made sure of by its numbers."""
    descriptor = os.open(f"/dev/{name}", os.O_PATH | os.O_CLOEXEC)
    check_device(descriptor, name, major, minor)
    return descriptor


def check_device(descriptor: int, name: str, major: int, minor: int) -> None:
    """StartError unless the descriptor is the character device with these numbers."""
    status = os.fstat(descriptor)
    if not stat.S_ISCHR(status.st_mode) or status.st_rdev != os.makedev(major, minor):
        raise StartError("devices", 0, f"/dev/{name} is not character device {major}:{minor}")
