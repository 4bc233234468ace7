"""GET /sd/targets."""

from __future__ import annotations

from tests.unit.agent.http.conftest import Client
from tests.unit.agent.http.fakes import FakeApi


async def test_targets_are_a_json_array(client: Client) -> None:
    answer = await client.get("/sd/targets", headers={"X-Prometheus-Refresh-Interval-Seconds": "60"})
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert await answer.json() == [{"targets": ["127.0.0.1:9100"], "labels": {}}]


async def test_where_it_is_off_it_says_why(client: Client, api: FakeApi) -> None:
    api.discovery_reason = "PodMonitors do that here"
    answer = await client.get("/sd/targets")
    assert answer.status == 404
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert (await answer.json())["message"] == "PodMonitors do that here"


async def test_before_the_first_inventory_it_is_an_error_never_an_empty_list(
    client: Client, api: FakeApi
) -> None:
    api.complete = False
    answer = await client.get("/sd/targets")
    assert answer.status == 503
    assert answer.headers["Content-Type"].startswith("application/problem+json")
