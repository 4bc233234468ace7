"""What Grafana asks before it asks for logs."""

from __future__ import annotations

from tests.unit.agent.http.conftest import Client
from tests.unit.agent.http.fakes import FakeApi


async def test_the_version(client: Client) -> None:
    found = await (await client.get("/loki/api/v1/status/buildinfo")).json()
    assert found["version"].startswith("3.")
    assert found["revision"].startswith("deckwatch-")


async def test_limits_of_logs_drilldown(client: Client) -> None:
    found = await (await client.get("/loki/api/v1/drilldown-limits")).json()
    assert (found["pattern_ingester_enabled"], found["limits"]["volume_enabled"]) == (False, True)
    assert "detected_level" in found["limits"]["log_level_fields"]


async def test_ready(client: Client, api: FakeApi) -> None:
    answer = await client.get("/ready")
    assert (answer.status, await answer.text()) == (200, "ready\n")
    api.complete = False
    assert (await client.get("/ready")).status == 503
    api.complete, api.logs = True, None
    assert (await client.get("/ready")).status == 503
