"""Hundreds of containers come and go while the agent is scraped: nothing is lost uncounted, nothing stays behind."""

from __future__ import annotations

import os

import pytest

from tests.integration.agents import Agent
from tests.soak.harness import settings, soak
from tests.soak.plain import PlainChurn

SECONDS = 20


@pytest.mark.root
@pytest.mark.timeout(300)
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to make cgroups")
def test_plain_cgroups_that_come_and_go_leave_nothing_behind() -> None:
    parent = f"/deckwatch-test-{os.getpid()}-churn"
    inventory = {"docker": {"enabled": False}, "cgroup": {"include": [f"{parent}/*"]}}
    agent = Agent(settings(**inventory))
    try:
        agent.start()
        course = soak(agent, PlainChurn(parent, population=150, per_second=30), SECONDS)
        assert course.judge(agent.log()) == [], f"\n{course}"
        assert len(course.made) > 300 and course.parsed >= 2
        # Of a process that ends at once nobody may have known.
        assert course.missed() <= len(course.made) / 4
    finally:
        agent.close()
