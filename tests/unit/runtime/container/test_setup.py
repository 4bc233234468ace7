"""The child's steps: which namespaces it is born into, and a whole container of an ordinary user."""

from __future__ import annotations

import ast
import os
import pathlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from runtime.container import command, create, init, mounts, security, setup
from runtime.container.bundle import plan_of
from runtime.linux import identity, namespaces
from runtime.supervision import oci
from runtime.supervision.spec import decode

if TYPE_CHECKING:
    from conftest import Box

NOBODY = 65534
# Calls by path that a container could turn elsewhere; `os.open` is allowed relative to a descriptor only.
BY_PATH = {"mount", "umount", "chroot", "listdir", "scandir", "chmod", "chown", "rename", "link", "mkfifo"}
BY_DESCRIPTOR = {"open", "mkdir", "mknod", "symlink", "unlink", "stat"}


def plan(**linux: Any) -> Any:
    """The plan of a small configuration with these keys under `linux`."""
    return plan_of({"process": {"args": ["x"]}, "linux": linux}, "/")


def test_a_user_namespace_is_entered_first() -> None:
    together = plan(namespaces=[{"type": name} for name in ("user", "pid", "mount", "network")])
    assert setup.clone_flags(together) == namespaces.NEWUSER | namespaces.NEWPID
    without = plan(
        namespaces=[{"type": name} for name in ("pid", "mount", "cgroup", "network", "uts", "ipc")]
    )
    assert setup.clone_flags(without) == (
        namespaces.NEWPID | namespaces.NEWNET | namespaces.NEWUTS | namespaces.NEWIPC
    )


@pytest.mark.parametrize("module", [mounts, security])
def test_targets_inside_the_container_are_never_named_by_path(module: Any) -> None:
    tree = ast.parse(pathlib.Path(module.__file__).read_text())
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        function = call.func
        if not isinstance(function, ast.Attribute) or ast.unparse(function.value) != "os":
            assert ast.unparse(function) != "open", "open() takes a path"
            continue
        where = f"{module.__name__}:{call.lineno} os.{function.attr}"
        assert function.attr not in BY_PATH, where
        if function.attr in BY_DESCRIPTOR:
            assert any(keyword.arg == "dir_fd" for keyword in call.keywords), where


def test_the_child_imports_nothing() -> None:
    for module in (setup, command, init, mounts, security):
        tree = ast.parse(pathlib.Path(module.__file__).read_text())
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        late = [
            node
            for one in functions
            for node in ast.walk(one)
            if isinstance(node, ast.Import | ast.ImportFrom)
        ]
        assert not late, module.__name__


@pytest.mark.root
@pytest.mark.parametrize("rootfs", ["host", "directory"])
@pytest.mark.parametrize("network", ["none", "host"])
@pytest.mark.parametrize("user", [None, "0:0", "1000:1000"])
def test_an_ordinary_user_runs_a_container(
    box: Box, in_child: Callable[[Callable[[], object]], str], rootfs: str, network: str, user: str | None
) -> None:
    script = "id -u; id -g; cat /proc/sys/kernel/ostype; echo y > /tmp/x && cat /tmp/x; ls /dev/null; cat /proc/1/comm"
    place = "host" if rootfs == "host" else str(box.rootfs)
    raw = {
        "name": "box",
        "rootfs": place,
        "command": ["/bin/sh", "-c", script],
        "user": user,
        "network": {"mode": network},
    }
    # A user's root file system is the user's: the mount points are made in it.
    os.chown(box.rootfs, NOBODY, NOBODY)
    read, write = os.pipe()

    def ordinary() -> int:
        identity.set_groups(())
        identity.set_group(NOBODY)
        identity.set_user(NOBODY)
        config = oci.config_for(
            decode(raw), "box-1", cgroup_path="/x", hidden=(), rootless=True, uid=NOBODY, gid=NOBODY
        )
        null = os.open("/dev/null", os.O_RDWR)
        made = create.create(config, rootfs=place, cgroup=None, stdin=null, stdout=write, stderr=write)
        return os.waitstatus_to_exitcode(os.waitpid(made.pid, 0)[1])

    code = in_child(ordinary)
    os.close(write)
    with open(read, "rb") as file:
        out = file.read().decode()
    default = f"{NOBODY}" if rootfs == "host" else "0"
    uid, gid = user.split(":") if user else (default, default)
    assert code == "0", out
    assert out.split() == [uid, gid, "Linux", "y", "/dev/null", "init"]
