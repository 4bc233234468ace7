"""Cgroups kept ready for reading."""

from __future__ import annotations

import os
import pathlib

import pytest

from collectors.cgroups.reader import ABSENT, Descriptors, contents
from collectors.cgroups.tree import Cgroup, Tree, Wanted
from runtime.linux.hierarchies import Hierarchies, Hierarchy

MANY = tuple(Wanted("memory", f"file{number:02}", keep=100 - number) for number in range(16))
PLANS = (MANY, (Wanted("pids", "current", keep=0), Wanted("cpu", "usage", keep=99)))


@pytest.fixture
def trees(tmp_path: pathlib.Path) -> Hierarchies:
    for controller, files in (
        ("memory", [file.name for file in MANY]),
        ("pids", ["current"]),
        ("cpu", ["usage"]),
    ):
        (tmp_path / controller / "a/b").mkdir(parents=True)
        for name in files:
            (tmp_path / controller / "a/b" / name).write_text(f"{controller} {name}")
    return Hierarchies(
        {name: Hierarchy(1, frozenset((name,)), str(tmp_path / name)) for name in ("memory", "pids", "cpu")},
        None,
    )


def _open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def _everywhere(path: str) -> dict[str, str]:
    return dict.fromkeys(("memory", "pids", "cpu"), path)


def _expected() -> list[list[bytes]]:
    return [[f"{file.controller} {file.name}".encode() for file in plan] for plan in PLANS]


def test_the_highest_ranks_are_kept_and_everything_is_read(trees: Hierarchies) -> None:
    before = _open_descriptors()
    descriptors = Descriptors(100)
    tree = Tree(trees, PLANS, descriptors)
    cgroup = Cgroup(tree, _everywhere("/a/b"))
    assert [contents(sources) for sources in cgroup.sources] == _expected()
    assert cgroup.controllers == {"memory", "pids", "cpu"} and cgroup.whole and cgroup.kept
    kept = [source for plan in cgroup.sources for source in plan if source[0] >= 0]
    assert len(kept) == len(tree.kept) == min(len(MANY) + 1, len(tree.kept))
    assert PLANS[1][1] in tree.kept and PLANS[1][0] not in tree.kept
    # cpu's one file is kept, so only memory and pids need their directories.
    assert descriptors.kept == len(kept) + 2 == tree.full
    cgroup.close()
    tree.close()
    assert descriptors.kept == 0
    assert _open_descriptors() == before


def test_beyond_the_budget_nothing_is_kept_and_everything_is_read(trees: Hierarchies) -> None:
    descriptors = Descriptors(0)
    tree = Tree(trees, PLANS, descriptors)
    before = _open_descriptors()
    cgroup = Cgroup(tree, _everywhere("/a/b"))
    # The roots of three hierarchies, once for all cgroups.
    assert _open_descriptors() == before + 3
    assert [contents(sources) for sources in cgroup.sources] == _expected()
    assert not cgroup.kept and cgroup.whole and not tree.could_keep()
    tree.close()


def test_what_is_missing_is_absent_and_gives_its_share_of_the_budget_back(
    trees: Hierarchies, tmp_path: pathlib.Path
) -> None:
    (tmp_path / "memory/a/b/file00").unlink()
    (tmp_path / "pids/a/b/current").unlink()
    (tmp_path / "pids/a/b").rmdir()
    descriptors = Descriptors(100)
    tree = Tree(trees, PLANS, descriptors)
    cgroup = Cgroup(tree, {"memory": "/a/b", "pids": "/a/b"})
    assert cgroup.controllers == {"memory"} and not cgroup.whole
    assert cgroup.sources[0][0] is ABSENT and cgroup.sources[1] == (ABSENT, ABSENT)
    assert descriptors.kept < tree.full
    cgroup.close()
    assert descriptors.kept == 0
    tree.close()


def test_a_cgroup_that_is_nowhere_has_no_controllers(trees: Hierarchies) -> None:
    descriptors = Descriptors(100)
    cgroup = Cgroup(Tree(trees, PLANS, descriptors), _everywhere("/nowhere"))
    assert cgroup.controllers == frozenset() and descriptors.kept == 0


def test_the_root_and_single_files(trees: Hierarchies, tmp_path: pathlib.Path) -> None:
    (tmp_path / "pids/current").write_text("root")
    tree = Tree(trees, PLANS, Descriptors(0))
    assert contents(tree.sources(PLANS[1][:1], _everywhere("/"))) == [b"root"]
    assert tree.sources(PLANS[1][:1], {}) == [ABSENT]
    tree.close()
