"""Loki's read API of a whole agent, asked in the order in which Grafana asks it."""

from __future__ import annotations

import asyncio
import json
import os
import re
import time
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest

from tests.integration.agents import Agent
from tests.integration.engines import wait_until
from tests.integration.workloads import script as workload

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root: cgroups of its own"),
]

COUNTING = (
    "i=0; while :; do i=$((i + 1)); echo level=info n=$i;"
    ' [ $((i % 5)) = 0 ] && echo "{\\"level\\":\\"error\\",\\"n\\":$i}" >&2; sleep 0.02; done'
)
SELECTOR = '{workload="clock"}'
SECOND = 10**9
HEADERS = {"X-Loki-Response-Encoding-Flags": "categorize-labels"}


@pytest.fixture(scope="module")
def agent() -> Iterator[Agent]:
    one = Agent(
        {
            "node": "n1",
            "external_labels": {"site": "lab"},
            "runtime": {"on_exit": "stop", "cgroup_parent": f"/deckwatch-loki-{os.getpid()}"},
            "workloads": [workload("clock", COUNTING)],
        }
    )
    try:
        one.start()
        wait_until(lambda: bool(lines(one, f"{SELECTOR} |= `n=20`")), "the workload to print", 60)
        yield one
    finally:
        one.close()


def ask(agent: Agent, path: str, **words: str) -> Any:
    status, body = agent.get(f"/loki/api/v1/{path}", HEADERS, **words)
    assert status == 200, body
    return json.loads(body)


def lines(agent: Agent, query: str, **words: str) -> list[str]:
    found = ask(agent, "query_range", query=query, **words)["data"]["result"]
    return [value[1] for stream in found for value in stream["values"]]


def test_a_data_source_is_added_and_the_label_browser_opened(agent: Agent) -> None:
    assert agent.get("/ready") == (200, b"ready\n")
    answer = ask(agent, "query", query="vector(1)+vector(1)", time=str(time.time_ns()))
    assert [one["value"][1] for one in answer["data"]["result"]] == ["2"]
    assert {"workload", "stream", "service_name", "site", "node"} <= set(ask(agent, "labels")["data"])
    assert ask(agent, "label/workload/values")["data"] == ["clock"]
    assert ask(agent, "label/site/values", query=SELECTOR)["data"] == ["lab"]
    series = ask(agent, "series", **{"match[]": SELECTOR})["data"]
    assert sorted(one["stream"] for one in series) == ["stderr", "stdout"]


def test_lines_and_their_histogram_agree(agent: Agent) -> None:
    end = time.time_ns() - 2 * SECOND
    span = {"start": str(end - 3600 * SECOND), "end": str(end), "limit": "5000"}
    numbers = [int(re.findall(r"n=(\d+)", line)[0]) for line in lines(agent, f"{SELECTOR} |= `n=`", **span)]
    assert numbers == list(range(len(numbers), 0, -1))
    errors = lines(agent, f"{SELECTOR} | json | detected_level=`error` | n > 5", **span)
    assert len(errors) in (len(numbers) // 5 - 1, len(numbers) // 5 - 2)
    query = f"sum by (detected_level) (count_over_time({SELECTOR} [2h]))"
    answer = ask(agent, "query", query=query, time=str(end))["data"]["result"]
    counts = {one["metric"]["detected_level"]: int(one["value"][1]) for one in answer}
    assert abs(counts["info"] - len(numbers)) <= 1
    assert abs(counts["error"] - len(numbers) // 5) <= 1


def test_volume_fields_and_stats(agent: Agent) -> None:
    volume = ask(agent, "index/volume", query='{service_name=~".+"}', targetLabels="service_name")
    assert [one["metric"] for one in volume["data"]["result"]] == [{"service_name": "clock"}]
    assert ask(agent, "index/stats", query=SELECTOR)["bytes"] > 0
    fields = {one["label"]: one for one in ask(agent, "detected_fields", query=SELECTOR)["fields"]}
    assert (fields["n"]["type"], sorted(fields["n"]["parsers"])) == ("int", ["json", "logfmt"])


def test_an_error_is_one_that_grafana_shows(agent: Agent) -> None:
    status, body = agent.get("/loki/api/v1/query_range", query='{workload="clock"')
    told = json.loads(body)
    assert (status, told["message"]) == (400, told["error"])
    assert told["message"].startswith("parse error at line 1, col 18: ")


def test_a_tail_goes_on_from_the_files_without_a_gap(agent: Agent) -> None:
    async def followed() -> list[int]:
        numbers: list[int] = []
        url = f"http://127.0.0.1:{agent.port}/loki/api/v1/tail"
        words = {"query": f"{SELECTOR} |~ `level=info n=` | logfmt", "limit": "5000"}
        async with aiohttp.ClientSession() as session, session.ws_connect(url, params=words) as socket:
            first = await following(socket, numbers)
            while len(numbers) < first + 300:
                await following(socket, numbers)
        return numbers

    async def following(socket: aiohttp.ClientWebSocketResponse, numbers: list[int]) -> int:
        message = await socket.receive_json(timeout=20)
        assert "dropped_entries" not in message
        found = [value for stream in message["streams"] for value in stream["values"]]
        numbers += [int(value[1].rpartition("=")[2]) for value in sorted(found)]
        return len(numbers)

    numbers = asyncio.run(followed())
    assert numbers == list(range(1, len(numbers) + 1))
