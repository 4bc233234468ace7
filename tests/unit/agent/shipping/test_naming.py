"""Names hold what a container is called, and nothing that a name cannot."""

from __future__ import annotations

import pytest

from agent.shipping.naming import Naming
from tests.unit.agent.shipping.sinks import pod_target


def test_fields_are_the_containers() -> None:
    naming = Naming("logs.{node}.{engine}-{namespace}_{workload}.{container}.{name}", 249)
    assert naming.of(pod_target(), "n1") == "logs.n1.containerd-shop_web.web.c1"


def test_absent_and_hostile_values_keep_to_the_form() -> None:
    assert Naming("a.{namespace}", 249).of(pod_target(namespace=None), "n") == "a.none"
    assert Naming("{name}", 249).of(pod_target(name="../a b.é{x}"), "n") == "___a_b___x_"
    assert Naming("{name}{name}", 100).of(pod_target(name="x" * 500), "n") == "x" * 100
    assert len(Naming("{name}", 249).of(pod_target(name="x" * 500), "n")) == 63


@pytest.mark.parametrize("pattern", ["", "a b", "{pod}", "{}", "{name!r}", "{name:>9}", "{name.x}", "{", "é"])
def test_another_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Naming(pattern, 249)
