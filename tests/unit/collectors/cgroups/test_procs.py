"""Processes of a cgroup."""

from __future__ import annotations

import pathlib

from collectors.cgroups.procs import pids_in
from runtime.linux.hierarchies import Hierarchies, Hierarchy


def test_the_first_hierarchy_that_has_any_tells(tmp_path: pathlib.Path) -> None:
    for name, content in (("pids", ""), ("memory", "0\n12\n13\n"), ("cpu", "99\n")):
        (tmp_path / name / "a").mkdir(parents=True)
        (tmp_path / name / "a/cgroup.procs").write_text(content)
    trees = Hierarchies(
        {name: Hierarchy(1, frozenset((name,)), str(tmp_path / name)) for name in ("pids", "memory", "cpu")},
        None,
    )
    assert pids_in(trees, "/a") == [12, 13]
    assert pids_in(trees, "/gone") == []
