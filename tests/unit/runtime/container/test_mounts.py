"""The container's file systems, and images that try to turn them elsewhere."""

from __future__ import annotations

import os
import pathlib
from typing import TYPE_CHECKING

import pytest

from runtime.container.create import StartError

if TYPE_CHECKING:
    from conftest import Box

pytestmark = pytest.mark.root


def mounts_of(text: str) -> dict[str, tuple[str, set[str]]]:
    """Target → (file system, options) of a mountinfo."""
    rows = [line.split() for line in text.splitlines()]
    return {row[4]: (row[row.index("-") + 1], set(row[5].split(","))) for row in rows}


def test_standard_file_systems(box: Box) -> None:
    found = mounts_of(box.sh("cat /proc/self/mountinfo"))
    assert found["/proc"][0] == "proc"
    assert found["/sys"][0] == "sysfs" and "ro" in found["/sys"][1]
    assert found["/dev"][0] == "tmpfs" and "nosuid" in found["/dev"][1]
    assert found["/dev/pts"][0] == "devpts"
    assert {"noexec", "nodev", "nosuid"} <= found["/dev/shm"][1]
    assert "nodev" in found["/"][1]
    assert any(
        target.startswith("/sys/fs/cgroup") and "ro" in options for target, (_, options) in found.items()
    )


def test_devices_work(box: Box) -> None:
    script = "echo x > /dev/null && dd if=/dev/zero bs=5 count=1 2>/dev/null | wc -c; ls /dev/fd/ >/dev/null; readlink /dev/stdout; readlink /dev/ptmx"
    assert box.sh(script).split() == ["5", "/proc/self/fd/1", "pts/ptmx"]


def test_a_device_node_in_the_root_is_dead(box: Box) -> None:
    os.mknod(box.rootfs / "sneaky", 0o20666, os.makedev(1, 3))
    assert "denied" in box.sh("cat /sneaky 2>&1 || true")


def test_bind_mounts(box: Box) -> None:
    shared = box.directory / "shared"
    shared.mkdir()
    (shared / "file").write_text("from the host\n")
    bind = {"type": "bind", "source": str(shared), "target": "/data/in"}
    assert box.sh("cat /data/in/file; echo y > /data/in/new", mounts=[bind]) == "from the host\n"
    assert (shared / "new").read_text() == "y\n"
    out = box.sh("touch /data/in/other 2>&1 || true", mounts=[bind | {"read_only": True}])
    assert "Read-only" in out


def test_a_single_file_is_bound(box: Box) -> None:
    (box.directory / "file").write_text("one file\n")
    bind = {"type": "bind", "source": str(box.directory / "file"), "target": "/etc/app/file"}
    assert box.sh("cat /etc/app/file", mounts=[bind]) == "one file\n"


def test_tmpfs_has_its_size(box: Box) -> None:
    tmpfs = {"type": "tmpfs", "target": "/tmp", "size": "64Ki"}
    out = box.sh("dd if=/dev/zero of=/tmp/x bs=1024 count=128 2>&1 || true", mounts=[tmpfs])
    assert "No space left" in out


def test_a_link_as_mount_target_stays_inside(box: Box, tmp_path: pathlib.Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (box.rootfs / "data").symlink_to(f"../../../../..{outside}")
    tmpfs = {"type": "tmpfs", "target": "/data/x"}
    with pytest.raises(StartError, match="cannot mount tmpfs on /data/x"):
        box.run("true", mounts=[tmpfs])
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("name", ["proc", "dev", "sys"])
def test_an_image_whose_system_directory_is_a_link(box: Box, name: str) -> None:
    """The mount lands inside the root or nowhere; the host's directory is never touched."""
    target = box.rootfs / "elsewhere"
    target.mkdir()
    (box.rootfs / name).symlink_to("/elsewhere")
    out = box.sh("grep -c elsewhere /proc/self/mountinfo || cat /elsewhere/self/comm")
    assert out.strip()
    assert str(box.directory) not in pathlib.Path("/proc/self/mountinfo").read_text()


def test_mqueue_and_shm_are_private(box: Box) -> None:
    mark = pathlib.Path(f"/dev/shm/deckwatch-test-{os.getpid()}")
    mark.write_text("x")
    try:
        assert box.sh("ls -A /dev/shm /dev/mqueue").split() == ["/dev/mqueue:", "/dev/shm:"]
    finally:
        mark.unlink()
