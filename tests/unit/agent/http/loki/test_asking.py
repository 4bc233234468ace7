"""Requests as questions."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.unit.agent.http.conftest import Client, Connect
from tests.unit.agent.http.fakes import FakeApi


async def test_categories_are_told_apart_when_asked_for(client: Client, log: object) -> None:
    path, query = "/loki/api/v1/query_range", {"query": '{name="web"} |= "b"'}
    headers = {"X-Loki-Response-Encoding-Flags": "other, categorize-labels"}
    answer = await client.get(path, params=query, headers=headers)
    data = (await answer.json())["data"]
    assert (answer.headers["Content-Type"], data["encodingFlags"]) == (
        "application/json",
        ["categorize-labels"],
    )
    assert data["result"][0]["values"][0][2]["structuredMetadata"]["level"] == "info"
    data = (await (await client.get(path, params=query)).json())["data"]
    assert (len(data["result"][0]["values"][0]), data["result"][0]["stream"]["level"]) == (2, "info")


async def test_the_agent_s_own_node_and_labels(client: Client, api: FakeApi, log: object) -> None:
    answer = await client.get("/loki/api/v1/label/node/values")
    assert (await answer.json())["data"] == [api.config.node]


async def test_an_open_listener_grants_nothing_of_it(connect: Connect, log: object) -> None:
    client = await connect("open")
    for path in ("labels", "query?query=1", "tail?query={a=`b`}", "status/buildinfo"):
        assert (await client.get(f"/loki/api/v1/{path}")).status == 403
    assert (await client.get("/ready")).status == 403


def test_the_grammar_is_not_read_where_nobody_asks() -> None:
    script = "import agent.service, agent.http.routes, sys, json; print(json.dumps('lark' in sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, timeout=60)
    assert json.loads(done.stdout) is False
