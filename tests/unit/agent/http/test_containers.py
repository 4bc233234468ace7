"""/api/v1/containers."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from tests.unit.agent.http.conftest import Client
from tests.unit.agent.http.fakes import POD, FakeApi


async def names(client: Client, path: str) -> list[str]:
    answer = await client.get(path)
    assert answer.status == 200, await answer.text()
    return [one["name"] for one in await answer.json()]


async def test_the_list_and_its_filters(client: Client) -> None:
    assert await names(client, "/api/v1/containers") == ["demo-1", "demo-2", "web"]
    assert await names(client, "/api/v1/containers?all=1") == ["demo-1", "demo-2", "web", "old"]
    selector = quote('{engine="docker"}')
    assert await names(client, f"/api/v1/containers?selector={selector}") == ["web"]
    assert await names(client, f"/api/v1/containers?all=1&selector={selector}") == ["web", "old"]


@pytest.mark.parametrize("reference", ["web", "aaaa", "/docker/aaaabbbbcccc"])
async def test_one_container_by_name_id_or_path(client: Client, reference: str) -> None:
    answer = await client.get(f"/api/v1/containers/{quote(reference, safe='')}")
    body = await answer.json()
    assert (answer.status, body["name"]) == (200, "web")
    assert body["started_at"] == "1970-01-01T00:16:40.000000Z"
    assert body["finished_at"] is None
    assert body["exit_code"] is None
    assert body["labels"] == {"app": "shop"}


async def test_errors_name_the_thing_and_what_is_near(client: Client) -> None:
    answer = await client.get("/api/v1/containers/wep")
    body = await answer.json()
    assert (answer.status, body["status"], body["title"]) == (404, 404, "Not Found")
    assert "did you mean web" in body["message"]
    answer = await client.get("/api/v1/containers/demo")
    body = await answer.json()
    assert (answer.status, body["candidates"]) == (409, ["demo-1", "demo-2"])
    assert (await client.get("/api/v1/containers?selector={nam=x}")).status == 400
    assert "unknown parameter 'al'" in (await (await client.get("/api/v1/containers?al=1")).json())["message"]
    assert (await client.get("/api/v1/containers?all=perhaps")).status == 400


async def test_stats_and_processes(client: Client) -> None:
    stats = await (await client.get("/api/v1/containers/web/stats?since=1970-01-01T00:00:01Z")).json()
    assert stats == [
        {
            "time": "1970-01-01T00:00:02.000000Z",
            "container_cpu_usage_seconds_total": 1.5,
            "id": "/docker/aaaabbbbcccc",
        }
    ]
    assert (await client.get("/api/v1/containers/web/stats?since=never")).status == 400
    processes = await (await client.get("/api/v1/containers/web/processes")).json()
    assert processes == [{"pid": 1, "command": "/docker/aaaabbbbcccc"}]


async def test_what_is_around_containers_is_listed_to_who_asks_for_it(api: FakeApi, client: Client) -> None:
    api.list.append(POD)
    assert await names(client, "/api/v1/containers") == ["demo-1", "demo-2", "web"]
    assert "" in await names(client, "/api/v1/containers?all=1")
    for selector in ('{role="pod"}', '{role=~".*",namespace="shop"}'):
        assert await names(client, f"/api/v1/containers?selector={quote(selector)}") == [""]
    assert await names(client, "/api/v1/containers?selector=" + quote('{namespace="shop"}')) == []
    found = await (await client.get(f"/api/v1/containers/{quote('shop/web-1', safe='')}")).json()
    assert (found["id"], found["role"]) == (POD.id, "pod")
