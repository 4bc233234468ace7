"""What this host supports, and why not."""

from __future__ import annotations

import pathlib
from typing import Any

from collectors.metrics import catalogue, support
from collectors.metrics.plan import Host
from runtime.linux.hierarchies import Hierarchies


def test_each_collector_that_is_on_has_a_plan_or_a_reason(either: Any) -> None:
    supported = support.probe(either.host, {"io": False})
    on = {name for name in (*support.REGISTRY, *support.SURVEYS) if catalogue.SWITCHES[name]}
    assert set(supported.reasons) == on - {"io"}
    offered = {name for name, reason in supported.reasons.items() if not reason}
    assert offered == {*supported.plans, *supported.surveys}
    assert ("cgroup v2" in supported.reasons["pressure"]) == (either.version == 1)


def test_a_host_without_cgroups_supports_only_the_network(tmp_path: pathlib.Path) -> None:
    supported = support.probe(Host(Hierarchies({}, None)), {})
    assert "network" in supported.plans and "cpu" not in supported.plans
    assert supported.reasons["memory"] == "no cgroup hierarchy with the controller memory is mounted"


def test_the_registry_knows_the_switches_of_the_catalogue() -> None:
    assert {*support.REGISTRY, *support.SURVEYS} <= set(catalogue.SWITCHES)
    assert set(catalogue.COLLECTORS) <= {*support.REGISTRY, *support.SURVEYS, "times"}
