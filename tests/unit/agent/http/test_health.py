"""/-/healthy, /-/ready, /-/reload."""

from __future__ import annotations

from tests.unit.agent.http.conftest import Client
from tests.unit.agent.http.fakes import FakeApi


async def test_healthy_and_ready(client: Client, api: FakeApi) -> None:
    assert (await client.get("/-/healthy")).status == 200
    assert (await client.head("/-/healthy")).status == 200
    answer = await client.get("/-/ready")
    body = await answer.json()
    assert (answer.status, body["ready"]) == (200, True)
    assert body["conditions"][0]["code"] == "engine_unavailable"
    assert body["conditions"][0]["remedy"]
    api.complete = False
    assert (await client.get("/-/ready")).status == 503


async def test_reload(control: Client, api: FakeApi) -> None:
    assert (await control.post("/-/reload")).status == 200
    assert api.reloads == 1
    api.bad_config = True
    answer = await control.post("/-/reload")
    assert (answer.status, (await answer.json())["errors"]) == (422, ["f.yaml:3: server.x: unknown key"])
    assert (await control.get("/-/reload")).status == 405
