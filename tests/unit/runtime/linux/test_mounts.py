"""Mounts made, shaped and put in place by descriptor, in a mount namespace of the test's own."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Callable

import pytest

from runtime.linux import mounts, namespaces

pytestmark = [pytest.mark.root, pytest.mark.usefixtures("as_root")]
InChild = Callable[[Callable[[], object]], str]


def own_namespace() -> None:
    """A mount namespace whose mounts reach nobody."""
    namespaces.unshare(namespaces.NEWNS)
    root = os.open("/", os.O_PATH)
    mounts.set_attributes(root, propagation=mounts.PRIVATE, recursive=True)


def options_of(path: pathlib.Path) -> str:
    """File system and options of the mount at a path."""
    for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines():
        fields = line.split()
        if fields[4] == str(path):
            return f"{fields[fields.index('-') + 1]} {fields[5]} {fields[-1]}"
    return "none"


def test_a_new_file_system_is_attached(in_child: InChild, tmp_path: pathlib.Path) -> None:
    def action() -> str:
        own_namespace()
        made = mounts.filesystem("tmpfs", (("size", "64k"), ("mode", "700")), mounts.NOSUID | mounts.NOEXEC)
        mounts.attach(made, os.open(tmp_path, os.O_PATH))
        return options_of(tmp_path)

    assert in_child(action) == "tmpfs rw,nosuid,noexec,relatime rw,size=64k,mode=700"


def test_a_clone_is_changed_without_its_original(in_child: InChild, tmp_path: pathlib.Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    target.mkdir()

    def action() -> bool:
        own_namespace()
        made = mounts.clone(str(source))
        mounts.set_attributes(made, add=mounts.RDONLY)
        mounts.attach(made, os.open(target, os.O_PATH))
        (source / "file").write_text("x")
        try:
            (target / "other").write_text("x")
        except OSError as error:
            return "Read-only" in str(error) and (target / "file").read_text() == "x"
        return False

    assert in_child(action) == "True"


def test_recursive_read_only_covers_what_lies_below(in_child: InChild, tmp_path: pathlib.Path) -> None:
    below = tmp_path / "below"
    below.mkdir()

    def action() -> str:
        own_namespace()
        mounts.attach(mounts.filesystem("tmpfs"), os.open(below, os.O_PATH))
        made = mounts.clone(str(tmp_path), recursive=True)
        mounts.set_attributes(made, add=mounts.RDONLY, recursive=True)
        mounts.attach(made, os.open(tmp_path, os.O_PATH))
        return str(os.statvfs(below).f_flag & os.ST_RDONLY)

    assert in_child(action) == "1"


def test_pivot_leaves_the_old_root(in_child: InChild, tmp_path: pathlib.Path) -> None:
    (tmp_path / "mark").write_text("")

    def action() -> list[str]:
        own_namespace()
        made = mounts.clone(str(tmp_path))
        mounts.attach(made, os.open(tmp_path, os.O_PATH))
        os.fchdir(made)
        mounts.pivot_here()
        return os.listdir("/")

    assert in_child(action) == "['mark']"
    assert os.path.exists(tmp_path / "mark")
