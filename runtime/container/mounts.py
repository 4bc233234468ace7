"""The container's file systems: its root, the mounts of its configuration, /dev, and the pivot into it.

Every target is opened inside the root (`runtime.linux.paths`) and mounted onto by descriptor.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from typing import TYPE_CHECKING

from runtime.container.failure import StartError, remedy
from runtime.container.sources import DEVICES
from runtime.linux import mounts
from runtime.linux.paths import directory_in_root, file_in_root, open_in_root

if TYPE_CHECKING:
    from runtime.container.bundle import MountPlan, Plan
    from runtime.container.sources import Sources

_LINKS = (
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    ("ptmx", "pts/ptmx"),
)


# Joins the container's cgroup and gives its directories as detached mounts: (name inside, descriptor).
Views = Callable[[], list[tuple[str, int]]]


def build_root(plan: Plan, sources: Sources, views: Views) -> int:
    """Mount the root and everything in it; the descriptor of the new root. Nothing is entered yet.

    `views` is asked when a mount of type cgroup comes, so that all before it overlaps with the making of
    the cgroup.
    """
    root = sources.root
    # A device node lying in a root file system is no way round the devices of /dev.
    attributes = mounts.NODEV | (mounts.RDONLY if plan.host_root else 0)
    mounts.set_attributes(root, add=attributes, recursive=True)
    mounts.attach(root, sources.place)
    for position, mount in enumerate(plan.mounts):
        try:
            if mount.kind == "cgroup":
                _mount_cgroups(root, mount, views())
            else:
                _mount(root, mount, sources, position)
        except OSError as error:
            text = f"cannot mount {mount.kind} on {mount.target} in the container: {error.strerror}"
            text += remedy(error.errno or 0)
            raise StartError("mounts", error.errno or 0, text) from error
        if mount.target == "/dev" and mount.kind == "tmpfs":
            _fill_dev(root, sources)
    return root


def enter_root(root: int, *, read_only: bool) -> None:
    """Make it this mount namespace's root and leave the host's behind, unmounted."""
    if read_only:
        mounts.set_attributes(root, add=mounts.RDONLY)
    os.fchdir(root)
    mounts.pivot_here()


def _mount(root: int, mount: MountPlan, sources: Sources, position: int) -> None:
    if mount.kind == "bind":
        made = sources.binds[position]
        is_directory = stat.S_ISDIR(os.fstat(made).st_mode)
        add, remove = mount.add | mounts.NODEV, mount.remove & ~mounts.NODEV
        mounts.set_attributes(made, add=add, remove=remove & ~add, recursive=mount.recursive)
    else:
        made = mounts.filesystem(mount.kind, mount.options, mount.add)
        is_directory = True
    _put(root, made, mount.target, is_directory=is_directory)
    if mount.propagation:
        mounts.set_attributes(made, propagation=mount.propagation, recursive=mount.recursive)
    os.close(made)


def _put(root: int, made: int, target: str, *, is_directory: bool) -> None:
    place = directory_in_root(root, target) if is_directory else file_in_root(root, target)
    try:
        mounts.attach(made, place)
    finally:
        os.close(place)


def _mount_cgroups(root: int, mount: MountPlan, views: list[tuple[str, int]]) -> None:
    """The container's own cgroup: alone on v2, one directory per hierarchy beside v1."""
    add = mount.add | mounts.NODEV | mounts.NOSUID | mounts.NOEXEC
    holder = -1
    if [name for name, _ in views] != [""]:
        holder = mounts.filesystem("tmpfs", (("mode", "755"), ("size", "64k")), mounts.NODEV | mounts.NOSUID)
        _put(root, holder, mount.target, is_directory=True)
    for name, made in views:
        mounts.set_attributes(made, add=add)
        if name:
            os.mkdir(name, 0o755, dir_fd=holder)
        _put(root, made, f"{mount.target}/{name}", is_directory=True)
        os.close(made)
    if holder >= 0:
        mounts.set_attributes(holder, add=add)
        os.close(holder)


def _fill_dev(root: int, sources: Sources) -> None:
    """Default devices and links in a fresh /dev; in a user namespace the host's nodes, bound."""
    dev = open_in_root(root, "/dev", os.O_PATH | os.O_DIRECTORY)
    for name, major, minor in DEVICES:
        if name in sources.devices:
            node = mounts.clone("", directory=sources.devices[name])
            _put(root, node, f"/dev/{name}", is_directory=False)
            os.close(node)
        else:
            os.mknod(name, stat.S_IFCHR | 0o666, os.makedev(major, minor), dir_fd=dev)
    for name, target in _LINKS:
        os.symlink(target, name, dir_fd=dev)
    os.close(dev)
