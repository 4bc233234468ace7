"""What the label browser asks."""

from __future__ import annotations

from typing import Any

from tests.unit.agent.http.conftest import Client

BASE = "/loki/api/v1"


async def data(client: Client, path: str, **words: str) -> Any:
    return (await (await client.get(f"{BASE}/{path}", params=words)).json())["data"]


async def test_names_and_values(client: Client, log: object) -> None:
    assert await data(client, "labels") == ["engine", "name", "node", "service_name", "stream"]
    assert await data(client, "label/name/values") == ["web"]
    assert await data(client, "label/name/values", query='{stream="stdout"}') == ["web"]
    assert await data(client, "label/name/values", query='{stream="nothing"}') == []


async def test_series(client: Client, log: object) -> None:
    found = await data(client, "series", **{"match[]": '{stream="stdout"}'})
    assert [one["stream"] for one in found] == ["stdout"]
    answer = await client.post(f"{BASE}/series", data={"match[]": '{name="web"}'})
    assert len((await answer.json())["data"]) == 2
