"""The host's own mounts, recorded and real."""

from __future__ import annotations

import ctypes
import os
import pathlib

import pytest

from collectors.metrics.filesystem import mounts
from collectors.metrics.filesystem.hostmounts import HostMounts
from runtime.linux import mountinfo
from tests.unit.collectors.metrics.filesystem.test_mounts import CONTAINER

HOST = b"""22 27 0:21 / /proc rw - proc proc rw
27 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw
30 27 0:30 / /run rw - tmpfs tmpfs rw
31 27 8:16 / /data rw - xfs /dev/sdb rw,prjquota
32 27 8:16 /sub /srv rw - xfs /dev/sdb rw,prjquota
33 27 0:40 / /var/lib/docker/overlay2/x/merged rw - overlay overlay rw,upperdir=x/diff
34 27 0:41 / /var/lib/kubelet/pods/u/volumes/token rw - tmpfs tmpfs rw
35 27 0:42 / /mnt/nfs rw - nfs4 server:/export rw
36 31 8:32 / /data/inner rw - ext4 /dev/sdc rw
37 27 8:48 / /data rw - ext4 /dev/sdd rw
38 27 7:0 / /snap/core ro - squashfs /dev/loop0 ro
40 27 0:44 / /opt/kubelet/pods/u/volumes/kubernetes.io~secret/s rw - tmpfs tmpfs rw
39 27 0:43 / /run/shm rw - tmpfs tmpfs rw
torn line
"""


def recorded(directory: pathlib.Path, own: bytes = HOST, first: bytes = HOST) -> HostMounts:
    for name, content in (("self", own), ("1", first)):
        (directory / name).mkdir(exist_ok=True)
        (directory / name / "mountinfo").write_bytes(content)
    return HostMounts(str(directory))


def test_the_host_has_each_file_system_once_and_none_that_is_covered(tmp_path: pathlib.Path) -> None:
    host = recorded(tmp_path)
    found = {mounts.device_of(mount): mount.target for mount in host.real()}
    assert found == {
        "/dev/sda1": "/", "/run": "/run", "server:/export": "/mnt/nfs", "/dev/sdd": "/data", "/run/shm": "/run/shm",
    }  # fmt: skip
    assert host.root is not None and host.root.device == "8:1"
    found_by_id = host.by_id(32)
    assert found_by_id is not None and found_by_id.root == "/sub"
    for path, number in (
        ("/data/x", 37),
        ("/data", 37),
        ("/database", 27),
        ("/srv/z", 32),
    ):
        holding = host.holding(path)
        assert holding is not None and holding.mount_id == number
    assert host.overlay("0:40") == "/var/lib/docker/overlay2/x/merged" and host.overlay("9:9") is None
    host.close()


def test_an_overlay_counts_as_the_hosts_root_alone(tmp_path: pathlib.Path) -> None:
    host = recorded(tmp_path, CONTAINER, CONTAINER)
    assert [mounts.device_of(mount) for mount in host.real()] == ["overlay_0-50", "/dev/sdb"]
    host.close()


def test_no_more_file_systems_than_a_host_has(tmp_path: pathlib.Path) -> None:
    many = b"".join(b"%d 1 9:%d / /m%d rw - ext4 /dev/x%d rw\n" % (at, at, at, at) for at in range(100, 400))
    host = recorded(tmp_path, HOST + many, HOST + many)
    assert 32 < len(host.real()) <= 64
    host.close()


def test_a_host_seen_from_a_container_is_reached_through_its_first_process(tmp_path: pathlib.Path) -> None:
    host = recorded(tmp_path, CONTAINER)
    assert host.prefix == f"{tmp_path}/1/root"
    assert host.root is not None and host.root.device == "8:1"
    host.close()
    host = recorded(tmp_path)
    assert host.prefix == ""
    host.close()


def test_without_the_right_to_see_the_first_process_the_own_mounts_count(tmp_path: pathlib.Path) -> None:
    recorded(tmp_path).close()
    (tmp_path / "1/mountinfo").unlink()
    host = HostMounts(str(tmp_path))
    assert host.prefix == "" and host.root is not None
    host.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount")
def test_a_new_mount_is_seen(tmp_path: pathlib.Path) -> None:
    host = HostMounts()
    before = len(host.real())
    libc = ctypes.CDLL(None)
    assert libc.mount(b"dw", os.fsencode(tmp_path), b"tmpfs", 0, b"size=64k") == 0
    try:
        host.refresh()
        assert str(tmp_path) in {mounts.device_of(mount) for mount in host.real()}
    finally:
        libc.umount2(os.fsencode(tmp_path), 2)
    host.refresh()
    assert len(host.real()) == before
    host.close()


def test_the_real_list_agrees_with_the_kernel() -> None:
    host = HostMounts()
    root = [mount for mount in mountinfo.read() if mount.target == "/"][-1]
    assert host.root == root
    host.close()
