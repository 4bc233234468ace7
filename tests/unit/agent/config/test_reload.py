"""Which changes of a new configuration wait for a restart."""

from __future__ import annotations

from agent.config.load import load
from agent.config.reload import waiting_for_restart


def waiting(*overrides: str) -> list[str]:
    return waiting_for_restart(load(None), load(None, overrides))


def test_what_can_be_taken_over_waits_for_nothing() -> None:
    assert waiting() == []
    assert (
        waiting(
            "server.listen=[127.0.0.1:1]",
            "metrics.drop=[a*]",
            "metrics.keep_final=5m",
            "runtime.on_exit=stop",
        )
        == []
    )
    assert waiting("workloads=[{name: a, rootfs: host, command: [x]}]") == []


def test_what_is_built_at_the_start_is_named() -> None:
    assert waiting(
        "inventory.cgroup.include=[/x]", "metrics.collectors={io: false}", "logs.enabled=false"
    ) == [
        "inventory.cgroup",
        "metrics.collectors",
        "logs.enabled",
    ]
