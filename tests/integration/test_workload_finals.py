"""Each run of a workload, however short, leaves its last reading with the agent before its cgroup goes."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.integration.agents import Agent
from tests.integration.engines import cgroup_directories, wait_until
from tests.integration.workloads import script

RUNS = 100
REPLICAS = 4

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="cgroups of workloads need root here"),
    pytest.mark.timeout(120),
]


@pytest.fixture
def agent() -> Iterator[Agent]:
    parent = f"/deckwatch-test-finals-{os.getpid()}"
    restart = {"policy": "always", "max": 1000, "backoff": {"min": "10ms", "max": "10ms"}}
    one = Agent(
        {
            "runtime": {"on_exit": "stop", "cgroup_parent": parent},
            "inventory": {"docker": {"enabled": False}},
            "workloads": [script("brief", "sleep 0.1", replicas=REPLICAS, restart=restart)],
        }
    )
    try:
        one.start()
        yield one
    finally:
        one.close()
    assert not cgroup_directories(parent)


def test_no_final_reading_is_missed(agent: Agent) -> None:
    wait_until(lambda: agent.scrape().sum("container_exits_total") >= RUNS, f"{RUNS} ends", 60)
    scrape = agent.scrape()
    assert scrape.one("deckwatch_final_sample_missed_total") == 0
