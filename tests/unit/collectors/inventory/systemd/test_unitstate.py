"""Processes are found wherever they are below a unit; its activation is told by a link."""

from __future__ import annotations

import os
import pathlib

from collectors.inventory.systemd.unitstate import invocation_of, is_populated
from runtime.linux.hierarchies import SYSTEMD, Hierarchies, Hierarchy


def v2(directory: pathlib.Path, **events: str) -> Hierarchies:
    for path, text in events.items():
        (directory / path).mkdir(parents=True)
        (directory / path / "cgroup.events").write_text(text)
    return Hierarchies({}, Hierarchy(2, frozenset(), str(directory)))


def v1(directory: pathlib.Path, **pids: str) -> Hierarchies:
    for path, text in pids.items():
        where = directory / path.replace("__", "/")
        where.mkdir(parents=True, exist_ok=True)
        (where / "cgroup.procs").write_text(text)
    return Hierarchies({SYSTEMD: Hierarchy(1, frozenset((SYSTEMD,)), str(directory))}, None)


def test_v2_tells_at_once(tmp_path: pathlib.Path) -> None:
    tree = v2(tmp_path, full="populated 1\nfrozen 0\n", empty="populated 0\nfrozen 0\n")
    assert is_populated(tree, "/full")
    assert not is_populated(tree, "/empty") and not is_populated(tree, "/gone")


def test_v1_is_looked_into(tmp_path: pathlib.Path) -> None:
    tree = v1(tmp_path, own="7\n", deep="", deep__a="", deep__a__b="8\n", empty="", empty__a="")
    assert is_populated(tree, "/own") and is_populated(tree, "/deep")
    assert not is_populated(tree, "/empty") and not is_populated(tree, "/gone")


def test_of_more_cgroups_than_are_looked_into_it_is_taken_for_granted(tmp_path: pathlib.Path) -> None:
    tree = v1(tmp_path, **{f"wide__{number}": "" for number in range(100)})
    assert is_populated(tree, "/wide")


def test_the_link_tells_which_activation_and_since_when(tmp_path: pathlib.Path) -> None:
    assert invocation_of("web.service", str(tmp_path)) == ("", None)
    units = tmp_path / "run/systemd/units"
    units.mkdir(parents=True)
    link = units / "invocation:web.service"
    link.symlink_to("1a2b")
    os.utime(link, (4000.5, 4000.5), follow_symlinks=False)
    assert invocation_of("web.service", f"{tmp_path}/") == ("1a2b", 4000.5)
    (units / "invocation:odd.service").write_text("no link")
    assert invocation_of("odd.service", str(tmp_path)) == ("", None)
