"""Which parts of the running agent are degraded."""

from __future__ import annotations

import pathlib
from types import SimpleNamespace
from typing import Any

import pytest

from agent.conditions import Conditions
from agent.config.load import load
from agent.degraded import Parts, report


def parts(**changes: Any) -> Parts:
    """Parts that are all in order, but for the changes."""
    whole: dict[str, Any] = {
        "sources": SimpleNamespace(
            all=lambda: [SimpleNamespace(name="docker"), SimpleNamespace(name="cgroup")]
        ),
        "inventory": SimpleNamespace(reasons=dict, complete=True),
        "watch": SimpleNamespace(degraded=""),
        "sampler": SimpleNamespace(support=lambda: {"cpu": ""}, troubles=dict),
        "hosting": SimpleNamespace(report=lambda conditions: None),
        "series": SimpleNamespace(dropped=0, limit=10),
        "kernel_log": SimpleNamespace(reason=""),
        "stores": {"events": SimpleNamespace(problem="")},
    }
    return Parts(**(whole | changes))


def codes(conditions: Conditions) -> list[str]:
    return sorted(one.code for one in conditions.current())


def test_nothing_is_said_of_what_is_in_order() -> None:
    conditions = Conditions()
    report(conditions, parts(), load(None))
    assert codes(conditions) == []


def test_each_degraded_part_is_said_and_taken_back() -> None:
    conditions = Conditions()
    away = SimpleNamespace(reasons=lambda: {"cgroup": "unreadable"}, complete=False)
    bad = parts(
        inventory=away,
        watch=SimpleNamespace(degraded="too few watches"),
        sampler=SimpleNamespace(
            support=lambda: {"pressure": "no PSI", "disk": ""},
            troubles=lambda: {"disk": "statfs of /mnt has not answered for 9 s"},
        ),
        series=SimpleNamespace(dropped=7, limit=10),
        kernel_log=SimpleNamespace(reason="/dev/kmsg: Operation not permitted"),
        stores={"events": SimpleNamespace(problem="No space left on device")},
    )
    report(conditions, bad, load(None))
    assert codes(conditions) == [
        "collector_stuck", "collector_unsupported", "disk_full", "engine_unavailable", "inventory_incomplete",
        "kernel_log_unreadable", "series_limit",
        "watch_degraded",
    ]  # fmt: skip
    (stuck,) = (one for one in conditions.current() if one.code == "collector_stuck")
    assert stuck.text == "some disk metrics are missing: statfs of /mnt has not answered for 9 s"
    mended = SimpleNamespace(support=lambda: {"pressure": "", "disk": ""}, troubles=dict)
    report(conditions, parts(sampler=mended), load(None))
    assert codes(conditions) == []


@pytest.mark.parametrize(("engine", "place"), [("docker", "socket"), ("crio", "socket"), ("podman", "root")])
def test_an_engine_that_nobody_asked_for_may_be_absent(engine: str, place: str) -> None:
    away = SimpleNamespace(reasons=lambda: {engine: "not there"}, complete=True)
    known = SimpleNamespace(all=lambda: [SimpleNamespace(name=engine)])
    gone, conditions = parts(inventory=away, sources=known), Conditions()
    report(conditions, gone, load(None, [f"inventory.{engine}.{place}=/no/such"]))
    assert codes(conditions) == []
    report(conditions, gone, load(None, [f"inventory.{engine}={{enabled: true, {place}: /no/such}}"]))
    assert codes(conditions) == ["engine_unavailable"]
    report(conditions, gone, load(None, [f"inventory.{engine}.{place}=/"]))
    assert codes(conditions) == ["engine_unavailable"]


def test_who_does_not_tell_of_pods_has_a_condition_of_its_own() -> None:
    away = SimpleNamespace(reasons=lambda: {"kubelet": "answers 403; allow it"}, complete=True)
    known = SimpleNamespace(all=lambda: [SimpleNamespace(name="kubelet")])
    conditions = Conditions()
    report(conditions, parts(inventory=away, sources=known), load(None))
    [found] = conditions.current()
    assert found.code == "kubernetes_unavailable" and "answers 403; allow it" in found.text


def test_what_most_hosts_lack_is_told_to_who_asked_for_it() -> None:
    bad = parts(sampler=SimpleNamespace(support=lambda: {"gpu": "no driver"}, troubles=dict))
    conditions = Conditions()
    report(conditions, bad, load(None))
    assert codes(conditions) == []
    report(conditions, bad, load(None, ["metrics.collectors.gpu=true"]))
    assert codes(conditions) == ["collector_unsupported"]


def test_containerd_is_missed_where_it_has_left_tasks(tmp_path: pathlib.Path) -> None:
    away = SimpleNamespace(reasons=lambda: {"containerd": "not there"}, complete=True)
    known = SimpleNamespace(all=lambda: [SimpleNamespace(name="containerd")])
    gone, conditions = parts(inventory=away, sources=known), Conditions()
    report(conditions, gone, load(None, [f"inventory.containerd.state={tmp_path}"]))
    assert codes(conditions) == []
    (tmp_path / "io.containerd.runtime.v2.task").mkdir()
    report(conditions, gone, load(None, [f"inventory.containerd.state={tmp_path}"]))
    assert codes(conditions) == ["engine_unavailable"]
