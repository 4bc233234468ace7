"""Directories that a mount table names."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Iterator

import pytest

from runtime.linux import mountinfo
from runtime.linux.beneath import mount_of, open_beneath


@pytest.fixture
def top(tmp_path: pathlib.Path) -> Iterator[int]:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "a")
    descriptor = os.open(tmp_path, os.O_PATH | os.O_DIRECTORY)
    yield descriptor
    os.close(descriptor)


@pytest.mark.parametrize("path", ["/a/b", "a/b", "/a", "/"])
def test_a_directory_is_opened(top: int, tmp_path: pathlib.Path, path: str) -> None:
    descriptor = open_beneath(top, path)
    try:
        assert os.fstat(descriptor).st_ino == (tmp_path / path.strip("/")).stat().st_ino
        assert os.listdir(descriptor) == os.listdir(tmp_path / path.strip("/"))
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("path", ["/link", "/link/b", "/a/file", "/none", "/a/none/b"])
def test_no_link_is_followed_and_no_file_is_opened(top: int, path: str) -> None:
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(OSError):
        open_beneath(top, path)
    assert len(os.listdir("/proc/self/fd")) == before


def test_the_mount_is_that_of_mountinfo(tmp_path: pathlib.Path) -> None:
    descriptor = os.open("/proc", os.O_PATH)
    try:
        found = {mount.mount_id: mount.target for mount in mountinfo.read()}
        assert found[mount_of(descriptor)] == "/proc"
    finally:
        os.close(descriptor)
