"""Whose process is whose."""

from __future__ import annotations

from typing import Any

from collectors.metrics.inhabitants import Inhabitants
from collectors.metrics.survey import Subject


def _make(recorded: Any, path: str, *pids: int) -> None:
    recorded.make(path)
    recorded.write("pids", path, "cgroup.procs", "".join(f"{pid}\n" for pid in pids))


def test_inner_cgroups_belong_to_the_container_unless_they_are_told_for_themselves(either: Any) -> None:
    _make(either, "/a")
    _make(either, "/a/init.scope", 1)
    _make(either, "/a/system.slice")
    _make(either, "/a/system.slice/web.service", 2, 3)
    _make(either, "/a/docker")
    _make(either, "/a/docker/inner", 4)
    _make(either, "/a/docker/inner/deep", 5)
    _make(either, "/ab", 6)
    inhabitants = Inhabitants(either.hierarchies)
    outer, inner = Subject("/a", 1, 0), Subject("/a/docker/inner", 4, 0)
    inhabitants.begin([outer])
    assert sorted(inhabitants.of(outer)) == [1, 2, 3, 4, 5]
    inhabitants.begin([outer, inner])
    assert sorted(inhabitants.of(outer)) == [1, 2, 3]
    assert sorted(inhabitants.of(inner)) == [4, 5]


def test_a_pod_has_only_those_in_it_itself_and_the_root_none(either: Any) -> None:
    _make(either, "/pod")
    _make(either, "/pod/container", 1)
    inhabitants = Inhabitants(either.hierarchies)
    inhabitants.begin([])
    assert inhabitants.of(Subject("/pod", 0, 0)) == []
    assert inhabitants.of(Subject("/pod", 1, 0)) == [1]
    assert inhabitants.of(Subject("/", 1, 0)) == []
    assert inhabitants.of(Subject("/gone", 1, 0)) == []
