"""What keeps a container in: hidden and read-only paths, sysctls, and the command's rights."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from typing import TYPE_CHECKING

from runtime.container.failure import StartError
from runtime.container.sources import check_device
from runtime.linux import capabilities, identity, mounts, prctl
from runtime.linux.paths import open_in_root

if TYPE_CHECKING:
    from runtime.container.bundle import CapabilitySets, Plan

_ABSENT = (FileNotFoundError, NotADirectoryError)


def write_sysctls(sysctls: Sequence[tuple[str, str]]) -> None:
    """Set kernel parameters of the new namespaces, through a procfs that nothing else can see."""
    if not sysctls:
        return
    proc = mounts.filesystem("proc")
    for key, value in sysctls:
        try:
            file = open_in_root(proc, "sys/" + key.replace(".", "/"), os.O_WRONLY)
            os.write(file, value.encode())
            os.close(file)
        except OSError as error:
            text = f"cannot set sysctl {key} to {value}: {error.strerror}"
            raise StartError("sysctls", error.errno or 0, text) from error
    os.close(proc)


def make_read_only(root: int, paths: Sequence[str]) -> None:
    """Make these paths, where the container has them, read-only with all mounts below."""
    for path in paths:
        try:
            place = open_in_root(root, path)
        except _ABSENT:
            continue
        made = mounts.clone("", directory=place, recursive=True)
        mounts.set_attributes(made, add=mounts.RDONLY, recursive=True)
        mounts.attach(made, place)
        os.close(made)
        os.close(place)


def mask(root: int, paths: Sequence[str], null: int) -> None:
    """Hide these paths, where the container has them: a directory is empty, a file is /dev/null."""
    empty = -1
    for path in paths:
        try:
            place = open_in_root(root, path)
        except _ABSENT:
            continue
        if not stat.S_ISDIR(os.fstat(place).st_mode):
            cover = mounts.clone("", directory=null)
            # It is the host's node: root in the container must not change its mode or owner.
            mounts.set_attributes(cover, add=mounts.RDONLY | mounts.NOSUID | mounts.NOEXEC)
        elif empty < 0:
            options = (("mode", "755"), ("nr_inodes", "1"))
            restrictions = mounts.RDONLY | mounts.NOSUID | mounts.NODEV | mounts.NOEXEC
            cover = empty = mounts.filesystem("tmpfs", options, restrictions)
        else:
            cover = mounts.clone("", directory=empty)
        mounts.attach(cover, place)
        if cover != empty:
            os.close(cover)
        os.close(place)
    if empty >= 0:
        os.close(empty)


def reopen_null(root: int) -> None:
    """Where standard input, output or error is the host's /dev/null, take the container's instead."""
    for descriptor in (0, 1, 2):
        status = os.fstat(descriptor)
        if not stat.S_ISCHR(status.st_mode) or status.st_rdev != os.makedev(1, 3):
            continue
        try:
            null = open_in_root(root, "/dev/null", os.O_RDWR)
        except _ABSENT:
            return
        check_device(null, "null", 1, 3)
        os.dup2(null, descriptor)
        os.close(null)


def become_user(plan: Plan, sets: CapabilitySets) -> None:
    """Working directory, ids, capabilities, ambient set, in this order: each step needs rights of before.

    The directory is entered once with root's rights, and again with the user's when that failed. The
    bounding set is limited already. Source: capabilities(7) "Effect of user ID changes on capabilities".
    """
    entered = _enter(plan.cwd)
    prctl.set_keep_capabilities(True)
    if not denies_groups(plan):
        identity.set_groups(plan.groups)
    identity.set_group(plan.gid)
    identity.set_user(plan.uid)
    prctl.set_keep_capabilities(False)
    if not entered:
        os.chdir(plan.cwd)
    _check_inside()
    capabilities.set_sets(sets.effective, sets.permitted, sets.inheritable)
    capabilities.set_ambient(sets.ambient)
    prctl.set_dumpable(False)


def denies_groups(plan: Plan) -> bool:
    """Whether the user namespace was made without privilege, where setgroups is denied."""
    return bool(plan.uid_map) and len(plan.uid_map) == 1 and plan.uid_map[0].size == 1


def _enter(cwd: str) -> bool:
    try:
        os.chdir(cwd)
    except PermissionError:
        return False
    return True


def _check_inside() -> None:
    """A working directory outside the root (by a leaked descriptor) reads as `(unreachable)/…`."""
    if not os.getcwd().startswith("/"):
        raise StartError("cwd", 0, "the working directory lies outside the container's root")
