"""Subvolumes and quota groups, on a real btrfs."""

from __future__ import annotations

import os
import pathlib
import struct
import subprocess

import pytest

from runtime.linux import btrfs
from tests.filesystems import image


def test_the_items_of_a_quota_group() -> None:
    info = struct.pack("=5Q", 7, 300, 300, 200, 200)
    limit = struct.pack("=5Q", 1, 1000, 500, 0, 0)
    assert btrfs.parse(info, limit) == btrfs.Qgroup(300, 200, 1000, 0)
    assert btrfs.parse(info, b"") == btrfs.Qgroup(300, 200, 0, 0)


def test_a_directory_elsewhere_has_no_subvolume(tmp_path: pathlib.Path) -> None:
    descriptor = os.open("/proc", os.O_RDONLY)
    try:
        with pytest.raises(OSError):
            btrfs.subvolume(descriptor)
    finally:
        os.close(descriptor)


def test_what_a_subvolume_alone_keeps_is_counted(tmp_path: pathlib.Path) -> None:
    with image(tmp_path, "btrfs", size=128 << 20) as top:
        for name in ("image", "other"):
            command("subvolume", "create", str(top / name))
        (top / "image/base").write_bytes(os.urandom(2 << 20))
        os.sync()
        assert group_of(top / "image") is None
        command("quota", "enable", str(top))
        command("subvolume", "snapshot", str(top / "image"), str(top / "layer"))
        command("qgroup", "limit", "32m", str(top / "layer"))
        command("qgroup", "limit", "-e", "16m", str(top / "other"))
        (top / "layer/own").write_bytes(os.urandom(3 << 20))
        command("quota", "rescan", "-w", str(top))
        os.sync()
        layer, other = group_of(top / "layer"), group_of(top / "other")
        assert layer is not None and other is not None
        assert 3 << 20 <= layer.exclusive < (3 << 20) + (1 << 18)
        assert 5 << 20 <= layer.referenced < (5 << 20) + (1 << 18)
        assert (layer.referenced_limit, layer.exclusive_limit) == (32 << 20, 0)
        assert (other.referenced_limit, other.exclusive_limit) == (0, 16 << 20)


def group_of(directory: pathlib.Path) -> btrfs.Qgroup | None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        assert os.fstat(descriptor).st_ino == btrfs.SUBVOLUME_INODE
        return btrfs.qgroup(descriptor, btrfs.subvolume(descriptor))
    finally:
        os.close(descriptor)


def command(*arguments: str) -> None:
    subprocess.run(["btrfs", *arguments], check=True, capture_output=True)
