"""Processes of a cgroup."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import threading

import pytest

from collectors.cgroups.procs import content_of, pids_below, pids_in, threads_of
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


def test_threads_of_a_process_are_told_and_none_of_one_that_ended() -> None:
    assert threads_of(os.getpid()) == [int(name) for name in os.listdir("/proc/self/task")]
    done = threading.Event()
    thread = threading.Thread(target=done.wait, args=(60,))
    thread.start()
    try:
        assert {os.getpid(), thread.native_id} <= set(threads_of(os.getpid()))
    finally:
        done.set()
        thread.join()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert threads_of(child.pid) == [child.pid]
        assert content_of(f"/proc/{child.pid}/stat").startswith(b"%d (" % child.pid)
        child.communicate()
    assert threads_of(child.pid) == []
    assert content_of(f"/proc/{child.pid}/stat") == b""


def test_a_file_that_cannot_be_read_for_another_reason_is_an_error(tmp_path: pathlib.Path) -> None:
    with pytest.raises(IsADirectoryError):
        content_of(str(tmp_path))


def test_a_container_of_too_many_cgroups_is_an_error(tmp_path: pathlib.Path) -> None:
    trees = Hierarchies({}, Hierarchy(2, frozenset(("pids",)), str(tmp_path)))
    (tmp_path / "a").mkdir()
    (tmp_path / "a/cgroup.procs").write_text("1\n")
    assert pids_below(trees, "/a", lambda path: False) == [1]
    for number in range(300):
        (tmp_path / f"a/{number}").mkdir()
        (tmp_path / f"a/{number}/cgroup.procs").write_text(f"{number + 2}\n")
    with pytest.raises(ValueError, match="more than 256 cgroups below /a"):
        pids_below(trees, "/a", lambda path: False)
    assert pids_below(trees, "/a", lambda path: path != "/a/7") == [1, 9]
