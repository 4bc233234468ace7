"""Plans: what changes, what is kept, and whose workloads are whose."""

from __future__ import annotations

from typing import Any

import pytest

from runtime.linux.errors import Refused
from runtime.supervision.reconcile import API, Action, plan
from runtime.supervision.spec import WorkloadSpec, decode
from runtime.supervision.state import Desired


def spec(name: str, **more: Any) -> WorkloadSpec:
    return decode({"name": name, "rootfs": "host", "command": ["true"], **more})


def current(*specs: WorkloadSpec, owner: str = API) -> dict[str, Desired]:
    return {each.name: Desired(spec=each, owner=owner) for each in specs}


def actions(known: dict[str, Desired], *specs: WorkloadSpec, prune: bool = False) -> dict[str, Action]:
    return {change.name: change.action for change in plan(known, specs, owner=API, prune=prune)}


def test_each_kind_of_change() -> None:
    known = current(spec("same"), spec("other"), spec("more"), spec("gone"))
    wanted = (spec("same"), spec("other", env={"A": "b"}), spec("more", replicas=3), spec("new"))
    assert actions(known, *wanted, prune=True) == {
        "same": Action.KEEP,
        "other": Action.UPDATE,
        "more": Action.SCALE,
        "new": Action.CREATE,
        "gone": Action.REMOVE,
    }
    assert "gone" not in actions(known, *wanted)


def test_pruning_touches_only_ones_own() -> None:
    known = current(spec("theirs"), owner="/etc/w.yaml") | current(spec("mine"))
    assert actions(known, prune=True) == {"mine": Action.REMOVE}


def test_a_workload_of_a_file_is_refused_naming_the_file() -> None:
    with pytest.raises(Refused, match=r"/etc/w\.yaml"):
        actions(current(spec("web"), owner="/etc/w.yaml"), spec("web"))
    with pytest.raises(Refused, match="deckwatch rm web"):
        plan(current(spec("web")), [spec("web")], owner="/etc/w.yaml", prune=True)


def test_a_name_given_twice_or_that_of_a_replica_is_refused() -> None:
    with pytest.raises(Refused, match="twice"):
        actions({}, spec("web"), spec("web"))
    with pytest.raises(Refused, match="replica of web"):
        actions(current(spec("web", replicas=2)), spec("web-2"))
    with pytest.raises(Refused, match="replica of web"):
        actions(current(spec("web-2")), spec("web", replicas=2))
