"""Cgroup hierarchies, on this kernel and on recorded ones."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

from runtime.linux import hierarchies
from runtime.linux.errors import NotSupported

SHOW = "import json; from runtime.linux import hierarchies as h; x = h.detect(); print(json.dumps(x.paths_of_pid('self')))"


class Host:
    """A recorded host: a proc directory and a cgroup tree under one temporary directory."""

    def __init__(self, directory: pathlib.Path) -> None:
        self.proc = directory / "proc"
        self.tree = directory / "cgroup"
        (self.proc / "self").mkdir(parents=True)
        self.tree.mkdir()
        self.lines: list[str] = [f"20 1 0:1 / {self.tree} rw - tmpfs tmpfs rw"]

    def mount(self, at: str, fs_type: str, options: str, root: str = "/") -> pathlib.Path:
        target = self.tree / at
        target.mkdir(parents=True, exist_ok=True)
        number = 20 + len(self.lines)
        self.lines.append(
            f"{number} 20 0:{number} {root} {target} rw shared:9 - {fs_type} {fs_type} rw,{options}"
        )
        return target

    def detect(self, cgroup: str = "0::/\n") -> hierarchies.Hierarchies:
        (self.proc / "self/mountinfo").write_text("\n".join(self.lines) + "\n")
        (self.proc / "self/cgroup").write_text(cgroup)
        return hierarchies.detect(str(self.proc))


@pytest.fixture
def host(tmp_path: pathlib.Path) -> Host:
    return Host(tmp_path)


def test_v1_with_controllers_mounted_together(host: Host) -> None:
    together = host.mount("cpu,cpuacct", "cgroup", "xattr,cpu,cpuacct")
    host.mount("systemd", "cgroup", "xattr,name=systemd,release_agent=/lib/systemd")
    found = host.detect()
    assert found.mode == "v1" and found.unified is None
    assert set(found.v1) == {"cpu", "cpuacct", "name=systemd"}
    assert found.of("cpu") is found.of("cpuacct")
    assert found.directory("cpuacct", "/a/b") == f"{together}/a/b"
    assert len(found.all()) == 2
    with pytest.raises(NotSupported, match="no cgroup hierarchy with memory"):
        found.directory("memory", "/a")


def test_v2_alone(host: Host) -> None:
    target = host.mount("", "cgroup2", "nsdelegate")
    (target / "cgroup.controllers").write_text("cpu io memory pids\n")
    found = host.detect()
    assert found.mode == "v2" and not found.v1
    assert found.of("memory") is found.unified
    assert found.of("hugetlb") is None
    assert found.directory("unified", "/") == str(target)
    assert found.id_of({"unified": "/system.slice/x.scope"}) == "/system.slice/x.scope"


def test_hybrid_takes_the_mount_that_shows_most(host: Host) -> None:
    host.mount("part", "cgroup", "memory", root="/docker/abc")
    whole = host.mount("memory", "cgroup", "memory")
    unified = host.mount("unified", "cgroup2", "nsdelegate")
    (unified / "cgroup.controllers").write_text("hugetlb\n")
    found = host.detect()
    assert found.mode == "hybrid"
    assert found.directory("memory", "/docker/abc") == f"{whole}/docker/abc"
    assert found.of("hugetlb") is found.unified


def test_a_part_of_a_hierarchy_says_what_it_lacks(host: Host) -> None:
    part = host.mount("memory", "cgroup", "memory", root="/docker/abc")
    found = host.detect()
    assert found.directory("memory", "/docker/abc/x") == f"{part}/x"
    with pytest.raises(NotSupported, match="lies outside /docker/abc"):
        found.directory("memory", "/docker/abcd")


@pytest.mark.parametrize(
    ("paths", "id"),
    [
        ({"name=systemd": "/s/a.scope", "unified": "/u", "memory": "/m"}, "/s/a.scope"),
        ({"name=systemd": "/", "unified": "/u", "memory": "/m"}, "/u"),
        ({"name=systemd": "/", "unified": "/", "memory": "/m", "pids": "/longer"}, "/m"),
        ({"cpu": "/c", "pids": "/longer"}, "/longer"),
        ({"cpu": "/"}, "/"),
        ({}, "/"),
    ],
)
def test_id(host: Host, paths: dict[str, str], id: str) -> None:
    assert host.detect().id_of(paths) == id


def test_paths_of_a_process(host: Host) -> None:
    found = host.detect()
    (host.proc / "7").mkdir()
    (host.proc / "7/cgroup").write_bytes(b"4:cpu,cpuacct:/a:b\n1:name=systemd:/x (deleted)\n0::/u\xff\n")
    assert found.paths_of_pid(7) == {
        "cpu": "/a:b",
        "cpuacct": "/a:b",
        "name=systemd": "/x",
        "unified": os.fsdecode(b"/u\xff"),
    }
    assert found.paths_of_pid(8) == {}


def test_a_private_namespace_is_found_by_the_inode_of_its_own_mount(host: Host) -> None:
    outer = host.mount("host", "cgroup2", "rw", root="/../..")
    own = outer / "docker/own"
    own.mkdir(parents=True)
    (outer / "docker/other").mkdir()
    (outer / "cgroup.controllers").write_text("memory\n")
    # The namespace's own mount shows the same directory, hence the same inode.
    (host.tree / "private").symlink_to(own)
    host.lines.append(f"40 20 0:21 / {host.tree}/private rw - cgroup2 cgroup2 rw")
    found = host.detect("0::/\n")
    assert found.unified is not None and found.unified.root == "/"
    assert found.namespace_roots["unified"] == "/docker/own"
    (host.proc / "9").mkdir()
    (host.proc / "9/cgroup").write_text("0::/../../docker/other\n")
    assert found.paths_of_pid(9)["unified"] == "/docker/other"
    assert found.paths_of_pid("self")["unified"] == "/docker/own"


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to unshare a cgroup namespace")
@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs unshare of util-linux")
def test_a_private_namespace_of_this_kernel_shows_the_host_paths() -> None:
    here = hierarchies.detect().paths_of_pid("self")
    shown = subprocess.run(
        ["unshare", "-C", sys.executable, "-c", SHOW], check=True, capture_output=True, timeout=30
    ).stdout
    assert json.loads(shown) == here


def test_own_paths_are_directories_of_this_kernel() -> None:
    found = hierarchies.detect()
    for name, path in found.paths_of_pid("self").items():
        if found.of(name) is not None:
            assert os.path.isdir(found.directory(name, path))
