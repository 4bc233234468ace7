"""The sum of a tree's blocks, against du."""

from __future__ import annotations

import os
import pathlib
import subprocess
from collections.abc import Callable

import pytest

from collectors.metrics.filesystem import tree as trees
from collectors.metrics.filesystem.tree import TooLarge, Tree


def opened(path: pathlib.Path) -> Callable[[], int]:
    return lambda: os.open(path, os.O_RDONLY | os.O_DIRECTORY)


def walked(path: pathlib.Path, entries: int = 7) -> int:
    tree = Tree(opened(path))
    while tree.step(entries):
        pass
    return tree.bytes


def du(path: pathlib.Path) -> int:
    done = subprocess.run(
        ["du", "-xs", "--block-size=1", str(path)], capture_output=True, text=True, check=True
    )
    return int(done.stdout.split()[0])


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.fixture
def full(tmp_path: pathlib.Path) -> pathlib.Path:
    top = tmp_path / "top"
    for at in range(5):
        for deeper in range(4):
            (top / f"{at}/{deeper}/x/y").mkdir(parents=True)
        for name in range(20):
            (top / f"{at}/{name}.txt").write_bytes(b"x" * 1000 * name)
    os.link(top / "0/19.txt", top / "4/again")
    (top / "link").symlink_to("/usr")
    (top / "empty").touch()
    with open(top / "sparse", "wb") as sparse:
        sparse.truncate(1 << 30)
    return top


@pytest.mark.parametrize("entries", [1, 7, 10_000])
def test_the_sum_is_that_of_du(full: pathlib.Path, entries: int) -> None:
    os.sync()
    before = descriptors()
    assert walked(full, entries) == du(full)
    assert descriptors() == before


def test_a_step_counts_no_more_than_it_is_asked_to(full: pathlib.Path) -> None:
    tree = Tree(opened(full))
    steps = 1
    while tree.step(10):
        steps += 1
    assert steps >= sum(len(files) + len(names) for _, names, files in os.walk(full)) / 10


def test_other_file_systems_are_left_out(tmp_path: pathlib.Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root to mount")
    (tmp_path / "m").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "dw", str(tmp_path / "m")], check=True)
    try:
        (tmp_path / "m/data").write_bytes(bytes(500_000))
        assert walked(tmp_path) == du(tmp_path) < 500_000
    finally:
        subprocess.run(["umount", str(tmp_path / "m")], check=True)


def test_what_is_bound_from_elsewhere_is_left_out(tmp_path: pathlib.Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root to mount")
    for name in ("top/bound", "elsewhere"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "elsewhere/data").write_bytes(bytes(500_000))
    os.sync()
    alone = walked(tmp_path / "top")
    subprocess.run(["mount", "--bind", str(tmp_path / "elsewhere"), str(tmp_path / "top/bound")], check=True)
    try:
        assert walked(tmp_path / "top") == alone < 500_000 < du(tmp_path / "top")
    finally:
        subprocess.run(["umount", str(tmp_path / "top/bound")], check=True)


def test_what_vanishes_meanwhile_is_left_out(full: pathlib.Path) -> None:
    tree = Tree(opened(full))
    assert tree.step(1)
    subprocess.run(["rm", "-r", *map(str, full.iterdir())], check=True)
    while tree.step(10):
        pass
    assert tree.bytes < 10 << 20


def test_a_directory_that_becomes_a_link_is_not_followed(tmp_path: pathlib.Path) -> None:
    (tmp_path / "top/a").mkdir(parents=True)
    tree = Tree(opened(tmp_path / "top"))
    assert tree.step(1)
    (tmp_path / "top/a").rmdir()
    (tmp_path / "top/a").symlink_to("/usr")
    while tree.step(10):
        pass
    assert tree.bytes < 1 << 20


def test_limits_on_depth_names_and_directories(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = descriptors()
    for limit, value, text in (
        ("_DEEPEST", 3, "deep"),
        ("_MOST_LINKED", 1, "names"),
        ("_MOST_WAITING", 1, "wait"),
    ):
        top = tmp_path / text
        (top / "a/b/c/d").mkdir(parents=True)
        for name in ("x", "y"):
            (top / name).touch()
            os.link(top / name, top / f"{name}2")
            (top / f"{name}-directory").mkdir()
        with monkeypatch.context() as patch:
            patch.setattr(trees, limit, value)
            tree = Tree(opened(top))
            with pytest.raises(TooLarge, match=text):
                while tree.step(100):
                    pass
            tree.close()
    assert descriptors() == before


def test_a_top_that_is_gone_is_an_error(tmp_path: pathlib.Path) -> None:
    with pytest.raises(FileNotFoundError):
        walked(tmp_path / "none")


def test_what_may_not_be_read_is_an_error_and_nothing_stays_open(full: pathlib.Path) -> None:
    tree = Tree(lambda: os.open(full, os.O_RDONLY))
    assert tree.step(3)
    before = descriptors()
    tree.close()
    assert descriptors() < before
    tree.close()
