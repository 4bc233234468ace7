"""A cgroup's beginning does not move with what is made in it."""

from __future__ import annotations

import os
import pathlib
import time

from collectors.inventory.beginnings import Beginnings
from runtime.linux.hierarchies import Hierarchies, Hierarchy


def test_what_was_first_seen_stays_until_the_cgroup_is_gone(tmp_path: pathlib.Path) -> None:
    beginnings = Beginnings(Hierarchies({}, Hierarchy(2, frozenset(), str(tmp_path))))
    assert beginnings.of("/pod") is None
    (tmp_path / "pod").mkdir()
    first = beginnings.of("/pod")
    assert first is not None and abs(first - time.time()) < 5
    while os.stat(tmp_path / "pod").st_ctime == first:
        (tmp_path / "pod/container").mkdir(exist_ok=True)
        (tmp_path / "pod/container").rmdir()
    assert beginnings.of("/pod") == first
    (tmp_path / "pod").rmdir()
    assert beginnings.of("/pod") == first
    beginnings.forget("/pod")
    beginnings.forget("/never-seen")
    assert beginnings.of("/pod") is None
