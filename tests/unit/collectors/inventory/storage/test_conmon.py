"""What conmon leaves tells runs apart, also while files of the run before still lie there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from collectors.inventory.storage.conmon import Exit, Monitor, Process, exit_in, run_of
from tests.unit.collectors.inventory.tree import BEGAN, CONMON, Tree


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def test_a_container_that_never_started_has_no_run(tree: Tree) -> None:
    id = tree.create("web")
    run = run_of(tree.run_directory(id), id, tree.hierarchies)
    assert run[:4] == (None, False, None, None) and run.left is not None
    os.rmdir(tree.run_directory(id))
    assert run_of(tree.run_directory(id), id, tree.hierarchies).left is None


def test_a_running_container_has_process_cgroup_and_conmon(tree: Tree) -> None:
    id = tree.create("web")
    tree.start(id, 41)
    run = run_of(tree.run_directory(id), id, tree.hierarchies)
    assert (run.began, run.pidfile) == (BEGAN, True)
    assert run.process == Process(41, 4711, tree.cgroup(id))
    assert run.monitor == Monitor(
        CONMON, f"{tree.temporary}/exits", {"k8s-file": f"{tree.directory(id)}/ctr.log"}
    )


def test_a_process_below_its_container_still_names_the_container(tree: Tree) -> None:
    id = tree.create("systemd")
    tree.start(id, 41)
    tree.process(41, CONMON, f"{tree.cgroup(id)}/container/init.scope")
    run = run_of(tree.run_directory(id), id, tree.hierarchies)
    assert run.process is not None and run.process.id == tree.cgroup(id)


def test_without_a_cgroup_of_its_own_the_parent_tells(tree: Tree) -> None:
    id = tree.create("plain")
    tree.start(id, 41)
    tree.process(41, CONMON, "/user.slice")
    assert run_of(tree.run_directory(id), id, tree.hierarchies).process == Process(41, 4711, "")


def test_a_reused_pid_is_another_process(tree: Tree) -> None:
    id = tree.create("web")
    tree.start(id, 41)
    tree.process(41, 1, "/user.slice")
    tree.process(CONMON, 1, "/", ["editor", "conmon.c"])
    run = run_of(tree.run_directory(id), id, tree.hierarchies)
    assert (run.process, run.monitor) == (None, None)


def test_while_a_run_begins_the_pid_of_the_one_before_does_not_count(tree: Tree) -> None:
    id = tree.create("web")
    tree.start(id, 41)
    tree.conmon(id, BEGAN + 60)
    run = run_of(tree.run_directory(id), id, tree.hierarchies)
    assert (run.began, run.pidfile, run.process) == (BEGAN + 60, False, None)
    assert run.monitor is not None


def test_a_run_keeps_its_beginning_after_its_end(tree: Tree) -> None:
    id = tree.create("web")
    tree.start(id, 41)
    tree.end(id, 41, 3, BEGAN + 5)
    run = run_of(tree.run_directory(id), id, tree.hierarchies)
    assert (run.began, run.process, run.monitor) == (BEGAN, None, None)


def test_cri_o_calls_conmons_pid_otherwise(tree: Tree) -> None:
    id = tree.create("web")
    tree.start(id, 41)
    os.rename(f"{tree.run_directory(id)}/conmon.pid", f"{tree.run_directory(id)}/conmon-pidfile")
    assert run_of(tree.run_directory(id), id, tree.hierarchies).began == BEGAN


def test_an_exit_has_time_and_code(tree: Tree) -> None:
    id = tree.create("web")
    tree.end(id, 41, 137, BEGAN + 5)
    assert exit_in(f"{tree.temporary}/exits", id) == Exit(BEGAN + 5, 137)


def test_what_is_no_exit_has_no_code(tree: Tree, tmp_path: Path) -> None:
    exits = f"{tree.temporary}/exits"
    tree.put(f"{exits}/strange", "-1 or so", BEGAN)
    os.mkfifo(f"{exits}/pipe")
    os.symlink("/etc/hostname", f"{exits}/link")
    assert exit_in(exits, "strange") == Exit(BEGAN, None)
    pipe = exit_in(exits, "pipe")
    assert pipe is not None and pipe.code is None
    assert exit_in(exits, "link") is None and exit_in(exits, "none") is None
