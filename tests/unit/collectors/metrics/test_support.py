"""What this host supports, and why not."""

from __future__ import annotations

import pathlib
from typing import Any

from collectors.metrics import catalogue, support
from collectors.metrics.plan import Host
from runtime.linux.hierarchies import Hierarchies


def test_each_collector_that_is_on_has_a_plan_or_a_reason(either: Any) -> None:
    supported = support.probe(either.host, {"io": False})
    assert set(supported.reasons) == set(support.REGISTRY) - {"io"}
    assert {name for name, reason in supported.reasons.items() if not reason} == set(supported.plans)
    assert ("cgroup v2" in supported.reasons["pressure"]) == (either.version == 1)


def test_a_host_without_cgroups_supports_only_the_network(tmp_path: pathlib.Path) -> None:
    supported = support.probe(Host(Hierarchies({}, None)), {})
    assert set(supported.plans) == {"network"}
    assert supported.reasons["memory"] == "no cgroup hierarchy with the controller memory is mounted"


def test_the_registry_knows_the_switches_of_the_catalogue() -> None:
    assert set(support.REGISTRY) == set(catalogue.COLLECTORS) - {"times"}
