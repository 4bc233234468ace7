"""Plans and the host that collectors are probed on."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest

from collectors.metrics.catalogue import ROW
from collectors.metrics.plan import Host, Plan
from collectors.metrics.support import REGISTRY, probe
from runtime.linux.errors import NotSupported
from runtime.linux.hierarchies import Hierarchies, Hierarchy


def test_the_first_controller_that_is_there_is_taken(tmp_path: pathlib.Path) -> None:
    cpu = Hierarchy(1, frozenset(("cpu",)), str(tmp_path))
    host = Host(Hierarchies({"cpu": cpu}, None))
    assert host.hierarchy("cpuacct", "cpu") is cpu
    with pytest.raises(NotSupported, match="controller io or blkio"):
        host.hierarchy("io", "blkio")


def test_families_of_a_plan_stand_side_by_side_in_a_row(either: Any) -> None:
    supported = probe(either.host, {})
    for plans in supported.plans.values():
        for plan in (one for one in plans if isinstance(one, Plan)):
            assert ROW[plan.span] == tuple(plan.families)
    assert set(supported.plans) <= set(REGISTRY)
