"""What a whole agent counts of logs: metrics from messages, and what became of each line."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from tests.integration.agents import Agent, Scrape
from tests.integration.engines import wait_until
from tests.integration.shell import Shell
from tests.integration.workloads import script as workload
from tests.peers.loki import LokiPeer
from tests.peers.web import serving

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root: cgroups of its own"),
]

TRACE = "0af7651916cd43dd8448eb211c80319c"
LINES = 400
PRINTING = (
    f"i=0; while [ $i -lt {LINES} ]; do i=$((i + 1)); code=200; [ $((i % 10)) = 0 ] && code=500;"
    f' echo "{{\\"level\\":\\"info\\",\\"status\\":$code,\\"took\\":\\"$((i))ms\\",\\"trace_id\\":\\"{TRACE}\\",'
    ' \\"image\\":\\"mine\\"}"; sleep 0.01; done; while :; do sleep 60; done'
)
RULE = {
    "selector": '{workload="shop"}',
    "metrics": [
        {"name": "requests", "labels": {"code": "status", "image": "image"}},
        {"name": "took_seconds", "kind": "histogram", "value": "took", "buckets": [0.1, 1.0]},
    ],
}
OWN = {"deckwatch.io/metrics": json.dumps([{"name": "failures_total", "grep": '"status":5'}])}
PREFIX = "container_log_metric"


@pytest.fixture
async def peer() -> AsyncIterator[LokiPeer]:
    one = LokiPeer()
    async with serving(one):
        yield one


@pytest.fixture
async def agent(peer: LokiPeer) -> AsyncIterator[Agent]:
    one = Agent(
        {
            "runtime": {"on_exit": "stop", "cgroup_parent": f"/deckwatch-accounts-{os.getpid()}"},
            "workloads": [workload("shop", PRINTING, labels=OWN)],
            "logs": {
                "sinks": [
                    {"type": "loki", "url": peer.url, "batch_wait": "100ms", "selector": '{workload="shop"}'}
                ],
                "rules": [RULE],
            },
        }
    )
    try:
        await asyncio.to_thread(one.start)
        yield one
    finally:
        await asyncio.to_thread(one.close)


def worker_of(agent: Agent) -> int:
    """The log worker's process; 0 when there is none."""
    assert agent.process is not None
    for children in Path(f"/proc/{agent.process.pid}/task").glob("*/children"):
        for pid in children.read_text().split():
            if b"agent.logs.worker" in Path(f"/proc/{pid}/cmdline").read_bytes():
                return int(pid)
    return 0


def counted(scrape: Scrape) -> float:
    return scrape.sum(f"{PREFIX}_requests_total", name="shop-1")


def account(agent: Agent) -> dict[str, Any]:
    (one,) = agent.json("/api/v1/logs/stats", selector='{workload="shop"}')["containers"]
    found: dict[str, Any] = one
    return found


def shipped(agent: Agent) -> int:
    return sum(one["records"] for one in account(agent)["shipped"])


def openmetrics(agent: Agent) -> str:
    status, body = agent.get("/metrics", {"Accept": "application/openmetrics-text; version=1.0.0"})
    assert status == 200
    return body.decode()


def _course(agent: Agent) -> None:
    """Kill the worker twice while the workload prints, and wait until all of it is counted and shipped."""
    for least in (20, 150):
        wait_until(lambda least=least: counted(agent.scrape()) > least, f"{least} lines counted", 60)
        worker = worker_of(agent)
        os.kill(worker, signal.SIGKILL)
        wait_until(lambda worker=worker: worker_of(agent) not in (0, worker), "another log worker", 30)
    wait_until(lambda: counted(agent.scrape()) >= LINES, "all lines counted", 60)
    wait_until(lambda: shipped(agent) >= LINES, "all lines shipped", 60)


async def test_each_message_counts_once_and_each_line_is_accounted_for(agent: Agent, peer: LokiPeer) -> None:
    await asyncio.to_thread(_course, agent)
    await asyncio.to_thread(_judge_metrics, agent)
    await asyncio.to_thread(_judge_accounts, agent)
    assert len({entry.line for entry in peer.entries}) == LINES


def _judge_metrics(agent: Agent) -> None:
    scrape = agent.scrape()
    assert scrape.one(f"{PREFIX}_requests_total", code="200", log_image="mine") == LINES * 9 // 10
    assert scrape.one(f"{PREFIX}_requests_total", code="500", log_image="mine") == LINES // 10
    assert scrape.one(f"{PREFIX}_failures_total", name="shop-1") == LINES // 10
    assert scrape.one(f"{PREFIX}_took_seconds_bucket", le="0.1") == 100
    assert scrape.one(f"{PREFIX}_took_seconds_count", name="shop-1") == LINES
    assert scrape.one(f"{PREFIX}_took_seconds_sum", name="shop-1") == pytest.approx(
        sum(range(1, LINES + 1)) / 1000
    )
    families = {family.name: family for family in text_string_to_metric_families(openmetrics(agent))}
    samples = families[f"{PREFIX}_took_seconds"].samples
    (first,) = [sample for sample in samples if sample.labels.get("le") == "0.1"]
    assert first.exemplar is not None and first.exemplar.labels == {"trace_id": TRACE}


def _judge_accounts(agent: Agent) -> None:
    one = account(agent)
    assert one["container"]["name"] == "shop-1"
    assert one["read"]["lines"] == {"stdout": LINES, "stderr": 0}
    assert one["messages"] == {"info": LINES}
    assert one["dropped"] == []
    (sink,) = one["shipped"]
    assert (sink["sink"], sink["dropped"]) == ("loki", [])
    stats = agent.json("/api/v1/logs/stats")
    assert [sink["name"] for sink in stats["sinks"]] == ["loki"]
    shown = Shell(agent.config).run("logs", "--stats", "shop").stdout.splitlines()
    assert shown[0].split() == ["NAME", "READ", "BYTES", "LAG", "SHIPPED", "loki", "DROPPED"]
    name, read, _, _, records, dropped = shown[1].split()
    assert (name, read, records, dropped) == ("shop-1", str(LINES), str(sink["records"]), "-")
