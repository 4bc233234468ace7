"""deckwatch inspect."""

from __future__ import annotations

import json

from tests.unit.agent.cli.conftest import Call, Running


def test_a_container_and_a_workload(ask: Call) -> None:
    assert json.loads(ask("inspect", "web").out)["image"] == "nginx:1"
    workload = json.loads(ask("inspect", "demo").out)
    assert (workload["name"], workload["spec"]["rootfs"]) == ("demo", "host")
    assert json.loads(ask("inspect", "/docker/aaaabbbbcccc").out)["name"] == "web"


def test_a_name_that_is_not_there(ask: Call) -> None:
    result = ask("inspect", "wep")
    assert (result.code, result.out) == (1, "")
    assert result.err == "deckwatch: no container wep; did you mean web?\n"


def test_a_workload_of_a_runtime_that_is_off_is_ambiguous(ask: Call, agent: Running) -> None:
    agent.api.workloads = None
    result = ask("inspect", "demo")
    assert (result.code, "could be any of demo-1, demo-2" in result.err) == (1, True)
