"""Queries, as Grafana's data source sends them."""

from __future__ import annotations

import time
from typing import Any

from tests.unit.agent.http.conftest import Client
from tests.unit.collectors.logs.logfile import LogFile

BASE = "/loki/api/v1"
HEADERS = {"X-Loki-Response-Encoding-Flags": "categorize-labels", "X-Query-Tags": "Source=grafana"}


async def ask(client: Client, path: str, **words: str) -> Any:
    answer = await client.get(f"{BASE}/{path}", params=words, headers=HEADERS)
    assert answer.status == 200, await answer.text()
    return (await answer.json())["data"]


async def test_the_health_check_of_the_data_source(client: Client, log: LogFile) -> None:
    now = str(time.time_ns())
    data = await ask(
        client, "query", query="vector(1)+vector(1)", direction="backward", limit="1000", time=now
    )
    assert data["resultType"] == "vector"
    assert [one["value"][1] for one in data["result"]] == ["2"]


async def test_a_log_panel_and_its_histogram(client: Client, log: LogFile) -> None:
    now = time.time_ns()
    span = {"start": str(now - 3600 * 10**9), "end": str(now), "direction": "backward"}
    data = await ask(client, "query_range", query='{name="web"}', limit="1000", step="2000ms", **span)
    assert {one["stream"]["stream"]: len(one["values"]) for one in data["result"]} == {
        "stderr": 1,
        "stdout": 3,
    }
    query = 'sum by (level, detected_level) (count_over_time({name="web"} | drop __error__[1m]))'
    data = await ask(client, "query_range", query=query, limit="10000", step="60000ms", **span)
    assert data["resultType"] == "matrix"
    assert {one["metric"]["detected_level"] for one in data["result"]} == {"error", "info", "unknown"}


async def test_the_context_of_a_line_in_both_directions(client: Client, log: LogFile) -> None:
    """Behind a line its own time is asked for once more: the data source drops what it has."""
    middle = log.time - 2_000_000
    hour = 3600 * 10**9
    before = await ask(
        client, "query_range", query='{name="web", stream="stdout"}', limit="50", direction="backward",
        start=str(middle - 2 * hour), end=str(middle),
    )  # fmt: skip
    after = await ask(
        client, "query_range", query='{name="web", stream="stdout"}', limit="50", direction="forward",
        start=str(middle), end=str(middle + 2 * hour),
    )  # fmt: skip
    assert [value[1] for value in before["result"][0]["values"]] == ["level=error a"]
    assert [value[1] for value in after["result"][0]["values"]] == ["level=info b", '{"status":500}']


async def test_an_instant_query(client: Client, log: LogFile) -> None:
    data = await ask(client, "query", query='sum by (stream) (count_over_time({name="web"}[1h]))')
    counts = {one["metric"]["stream"]: one["value"][1] for one in data["result"]}
    assert counts == {"stderr": "1", "stdout": "3"}
    answer = await client.get(f"{BASE}/query", params={"query": '{name="web"}'})
    assert answer.status == 400


async def test_more_lines_than_are_allowed(client: Client, log: LogFile) -> None:
    words = {"query": '{name="web"}', "limit": "5001"}
    answer = await client.get(f"{BASE}/query_range", params=words)
    assert (answer.status, "5001 > 5000" in (await answer.json(content_type=None))["message"]) == (400, True)


async def test_a_query_is_formatted(client: Client, log: LogFile) -> None:
    assert await ask(client, "format_query", query='{name="web"}|="a"') == '{name="web"} |= "a"'
