"""The list of mounts."""

from __future__ import annotations

import os
import pathlib

import pytest

from runtime.linux import mountinfo
from runtime.linux.errors import KernelError


def test_a_line_with_every_field_and_escape() -> None:
    line = rb"36 35 98:0 /a\040b /mnt\011x\134y rw,noatime shared:1 master:2 - ext3 /dev/\012root rw,errors=continue"
    assert mountinfo.parse(line) == mountinfo.Mount(
        mount_id=36,
        parent_id=35,
        device="98:0",
        root="/a b",
        target="/mnt\tx\\y",
        options=("rw", "noatime"),
        fs_type="ext3",
        source="/dev/\nroot",
        super_options=("rw", "errors=continue"),
        propagation=("shared:1", "master:2"),
    )


def test_a_target_named_like_the_separator() -> None:
    mount = mountinfo.parse(b"36 35 0:5 - /- rw - tmpfs - rw")
    assert (mount.root, mount.target, mount.fs_type, mount.propagation) == ("-", "/-", "tmpfs", ())


def test_this_machine_has_its_root_and_proc() -> None:
    mounts = mountinfo.read()
    targets = {mount.target: mount for mount in mounts}
    assert targets["/proc"].fs_type == "proc"
    device = os.stat("/").st_dev
    assert targets["/"].device == f"{os.major(device)}:{os.minor(device)}"


def test_an_unreadable_list_is_named(tmp_path: pathlib.Path) -> None:
    with pytest.raises(KernelError, match=r"cannot read .*/missing: No such file"):
        mountinfo.read(f"{tmp_path}/missing")


def test_covered_mounts_are_left_out() -> None:
    lines = (
        b"20 1 0:1 / / rw - ext4 a rw",
        b"31 20 0:2 / /sys/fs/cgroup rw - tmpfs first rw",
        b"32 31 0:3 / /sys/fs/cgroup/memory rw - cgroup hidden rw,memory",
        b"33 20 0:4 / /sys/fs/cgroup rw - cgroup2 second rw",
        b"34 33 0:5 / /sys/fs/cgroup2 rw - tmpfs beside rw",
    )
    mounts = [mountinfo.parse(line) for line in lines]
    shown = mountinfo.visible(mounts, ("ext4", "tmpfs", "cgroup", "cgroup2"))
    assert [mount.source for mount in shown] == ["a", "second", "beside"]
    assert [mount.source for mount in mountinfo.visible(mounts, ("cgroup2",))] == ["second"]
