"""A workload on the host's own root sees it and can change nothing of it."""

from __future__ import annotations

import os
import pathlib
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from runtime.container import hostroot
from runtime.container.create import StartError
from runtime.linux import namespaces

if TYPE_CHECKING:
    from conftest import Box

pytestmark = pytest.mark.root


def sh(box: Box, script: str, **spec: object) -> str:
    """Output of a script on the host's root; its own end does not matter."""
    return box.run("/bin/sh", "-c", script, rootfs="host", **spec).out


def test_hello_world_as_nobody(box: Box) -> None:
    out = sh(box, "id -u; id -g; hostname; cat /etc/hostname >/dev/null && echo read")
    assert out.split() == ["65534", "65534", "box-1", "read"]


def test_root_is_read_only_everywhere(box: Box) -> None:
    out = sh(box, "cat /proc/self/mountinfo", user=0)
    own = ("/proc", "/dev", "/tmp", "/var/tmp", "/run", "/root")
    targets = [(line.split()[4], line.split()[5].split(",")) for line in out.splitlines()]
    writable = [target for target, options in targets if "rw" in options]
    assert all(target.startswith(own) for target in writable), writable
    assert (targets[0][0], targets[0][1][0]) == ("/", "ro")


def test_writing_is_refused_even_to_root(box: Box) -> None:
    mark = f"/usr/deckwatch-test-{os.getpid()}"
    assert "Read-only file system" in sh(box, f"touch {mark} 2>&1", user=0)
    assert not os.path.exists(mark)


def test_remount_is_refused(box: Box) -> None:
    assert "denied" in sh(box, "mount -o remount,rw / 2>&1", user=0)
    script = "echo inside; mount -o remount,rw,bind / && echo remounted; umount /run && echo unmounted"
    assert "inside" not in sh(box, f"unshare -Urm sh -c '{script}' 2>&1")
    # Nor does anything but the filter depend on it.
    out = sh(box, f"unshare -Urm sh -c '{script}' 2>&1", security={"seccomp": "unconfined"})
    assert "inside" in out
    assert "remounted" not in out
    assert "unmounted" not in out


def test_private_directories_are_empty_and_writable(box: Box) -> None:
    script = "for d in /tmp /var/tmp /run /root; do ls -A $d; echo x > $d/x && cat $d/x; done"
    assert sh(box, script).split() == ["x"] * 4
    assert not os.path.exists("/run/x")


def test_sockets_of_the_host_are_out_of_reach(box: Box) -> None:
    path = f"/run/deckwatch-test-{os.getpid()}.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        os.chmod(path, 0o777)
        try:
            out = sh(box, f"ls {path} /run/docker.sock /var/run/docker.sock 2>&1; ls -A /run", user=0)
        finally:
            os.unlink(path)
    assert out.count("No such file") == 3, out


def test_hidden_directories_are_empty(box: Box) -> None:
    secret = pathlib.Path("/var/lib") / f"deckwatch-test-{os.getpid()}"
    secret.mkdir(mode=0o755)
    (secret / "key").write_text("secret")
    box.hidden = (str(secret), "/var/lib/nonesuch", "/etc/hostname")
    try:
        out = sh(
            box,
            f"ls -A {secret}; cat {secret}/key 2>&1; touch {secret}/x 2>&1; cat /etc/hostname; true",
            user=0,
        )
    finally:
        shutil.rmtree(secret)
    assert "secret" not in out.replace(str(secret), "")
    assert "No such file" in out and "Read-only file system" in out


def test_devices_are_the_containers_own(box: Box) -> None:
    out = sh(box, "ls /dev; echo x > /dev/null && head -c 3 /dev/zero | wc -c", user=0)
    assert {"null", "zero", "full", "random", "urandom", "tty", "ptmx", "pts", "shm"} <= set(out.split())
    assert not any(name.startswith(("vd", "sd", "nvme", "kmsg", "mem")) for name in out.split())
    assert out.split()[-1] == "3"


@pytest.mark.inside_cgroup2
def test_cgroups_show_its_own_read_only(box: Box) -> None:
    out = sh(
        box,
        "cat /sys/fs/cgroup/pids/pids.max; echo 1 > /sys/fs/cgroup/pids/pids.max",
        user=0,
        resources={"pids": 33},
    )
    if box.hierarchies.mode == "v2":
        out = sh(
            box,
            "cat /sys/fs/cgroup/pids.max; echo 1 > /sys/fs/cgroup/pids.max",
            user=0,
            resources={"pids": 33},
        )
    assert out.split()[0] == "33"
    assert "Read-only file system" in out


@pytest.mark.parametrize("propagation", ["shared", "private"])
def test_the_host_unmounts_and_removes_while_it_runs(
    box: Box, in_child: Callable[[Callable[[], object]], str], propagation: str
) -> None:
    """As for an engine that removes a container: unmount, then remove the mount point."""
    place = box.directory / "merged"
    place.mkdir()

    def host() -> tuple[bool, bool]:
        # A mount namespace of the test's own plays the host, so that nothing of the machine is touched.
        namespaces.unshare(namespaces.NEWNS)
        subprocess.run(["mount", "--make-rprivate", "/"], check=True)
        subprocess.run(["mount", f"--make-{propagation}", "/"], check=True)
        subprocess.run(["mount", "-t", "tmpfs", "none", str(place)], check=True)
        running = box.start(box.config("sleep", "30", rootfs="host"))
        mounts = pathlib.Path(f"/proc/{running.pid}/mountinfo")
        before = str(place) in mounts.read_text()
        subprocess.run(["umount", str(place)], check=True)
        place.rmdir()
        end = time.monotonic() + 5
        while str(place) in mounts.read_text() and time.monotonic() < end:
            time.sleep(0.005)
        after = str(place) in mounts.read_text()
        os.kill(running.pid, 9)
        box.wait(running)
        return before, after

    assert in_child(host) == "(True, False)"


def test_a_mount_point_must_exist(box: Box) -> None:
    tmpfs = {"type": "tmpfs", "target": "/usr/nonesuch"}
    with pytest.raises(StartError, match=r"on /usr/nonesuch .*: Read-only file system; .* has to exist"):
        sh(box, "true", mounts=[tmpfs])
    assert sh(box, "touch /srv/x && ls /srv", mounts=[tmpfs | {"target": "/srv"}]) == "x\n"


def test_own_mounts_follow_no_link(tmp_path: pathlib.Path) -> None:
    (tmp_path / "tmp").mkdir()
    (tmp_path / "root").symlink_to("tmp")
    assert [mount["destination"] for mount in hostroot.own_mounts(str(tmp_path))] == ["/tmp"]


def test_doors_are_sockets_and_other_procfs_outside_its_own_directories(tmp_path: pathlib.Path) -> None:
    (tmp_path / "self").mkdir()
    (tmp_path / "net").mkdir()
    here = pathlib.Path("/var/lib") / f"deckwatch-test-{os.getpid()}"
    mounts = ("/proc", "/run/x/proc", "/srv/jail/proc")
    lines = [f"{number} 1 0:5 / {target} rw - proc proc rw\n" for number, target in enumerate(mounts, 9)]
    (tmp_path / "self/mountinfo").write_text("".join(lines))
    here.mkdir()
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(f"{here}/a socket")
            (here / "file").touch()
            (here / "link").symlink_to(here)
            bound = ("/link/a socket", "/file", "/gone")
            entries = [f"0000: 00000002 00000000 00010000 0001 01 7 {here}{name}\n" for name in bound]
            abstract = "0000: 00000002 00000000 00010000 0001 01 7 @/srv/abstract\n"
            (tmp_path / "net/unix").write_text("".join(["Num RefCount …\n", *entries, abstract]))
            assert hostroot.doors(proc=str(tmp_path)) == ["/srv/jail/proc", f"{here}/a socket"]
            assert hostroot.doors([str(here)], proc=str(tmp_path)) == ["/srv/jail/proc"]
    finally:
        shutil.rmtree(here)
