"""How much there is."""

from __future__ import annotations

from typing import Any

from tests.unit.agent.http.conftest import Client
from tests.unit.collectors.logs.logfile import LogFile

BASE = "/loki/api/v1/index"


async def ask(client: Client, path: str, **words: str) -> Any:
    answer = await client.get(f"{BASE}/{path}", params={"query": '{service_name=~".+"}', **words})
    assert answer.status == 200, await answer.text()
    return await answer.json()


async def test_the_hint_under_the_query_editor(client: Client, log: LogFile) -> None:
    found = await ask(client, "stats")
    assert (found["streams"], found["bytes"]) == (2, log.path.stat().st_size)


async def test_the_services_of_logs_drilldown(client: Client, log: LogFile) -> None:
    found = (await ask(client, "volume", targetLabels="service_name", limit="5000"))["data"]
    size = len('level=error alevel=info b{"status":500}d')
    assert [(one["metric"], one["value"][1]) for one in found["result"]] == [
        ({"service_name": "web"}, str(size))
    ]
    found = (await ask(client, "volume", aggregateBy="labels", targetLabels="stream"))["data"]
    assert [one["metric"] for one in found["result"]] == [{"stream": ""}]
    found = (await ask(client, "volume_range", step="1h"))["data"]
    assert found["resultType"] == "matrix"


async def test_a_wrong_aggregation(client: Client, log: LogFile) -> None:
    answer = await client.get(f"{BASE}/volume", params={"query": "{a=`b`}", "aggregateBy": "x"})
    assert answer.status == 400
