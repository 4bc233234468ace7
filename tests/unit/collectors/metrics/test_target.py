"""Where a container's numbers lie."""

from __future__ import annotations

import os
from typing import Any

from collectors.metrics.target import Target, paths_of, process_of
from runtime.linux.process import start_time


def _placed(recorded: Any, *lines: str) -> None:
    (recorded.directory / "proc/7").mkdir()
    (recorded.directory / "proc/7/cgroup").write_text("".join(f"{line}\n" for line in lines))


def test_a_path_alone_counts_in_every_controller(v1: Any) -> None:
    assert paths_of("/a", 0, ("cpu", "memory"), v1.hierarchies) == {"cpu": "/a", "memory": "/a"}
    assert paths_of("/a", 7, ("cpu", "memory"), v1.hierarchies) == {"cpu": "/a", "memory": "/a"}
    assert paths_of("/", 7, ("cpu",), v1.hierarchies) == {"cpu": "/"}


def test_controllers_of_an_ancestor_count_for_more_than_the_container(v1: Any) -> None:
    _placed(v1, "4:memory:/pod/web", "3:cpu,cpuacct:/pod", "2:pids:/", "1:blkio:/elsewhere")
    assert paths_of("/pod/web", 7, ("memory", "cpu", "cpuacct", "pids", "blkio"), v1.hierarchies) == {
        "memory": "/pod/web",
        "blkio": "/elsewhere",
    }


def test_a_process_below_its_container_leaves_the_container_whole(v2: Any) -> None:
    _placed(v2, "0::/docker/a/init.scope")
    assert paths_of("/docker/a", 7, ("memory", "unified"), v2.hierarchies) == {
        "memory": "/docker/a",
        "unified": "/docker/a",
    }


def test_a_path_that_only_begins_alike_is_no_ancestor(v2: Any) -> None:
    _placed(v2, "0::/pod/we")
    assert paths_of("/pod/web", 7, ("memory",), v2.hierarchies) == {"memory": "/pod/we"}


def test_closing_twice_is_closing() -> None:
    target = Target("/a")
    target.close()
    target.close()
    assert target.cgroup is None


def test_a_pid_in_other_hands_is_no_process_of_the_container() -> None:
    target = Target("/a")
    target.pid = os.getpid()
    assert process_of(target) == os.getpid()
    target.pid_start = start_time(os.getpid())
    assert process_of(target) == os.getpid()
    target.pid_start += 1
    assert process_of(target) == 0
