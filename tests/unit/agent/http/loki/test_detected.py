"""What one can filter by."""

from __future__ import annotations

from typing import Any

from tests.unit.agent.http.conftest import Client

BASE = "/loki/api/v1"


async def ask(client: Client, path: str, **words: str) -> Any:
    return await (await client.get(f"{BASE}/{path}", params=words)).json()


async def test_labels(client: Client, log: object) -> None:
    found = (await ask(client, "detected_labels"))["detectedLabels"]
    assert {"label": "stream", "cardinality": 2} in found


async def test_fields_and_their_values(client: Client, log: object) -> None:
    found = await ask(client, "detected_fields", query='{name="web"}', line_limit="100")
    (status,) = [one for one in found["fields"] if one["label"] == "status"]
    assert (status["type"], status["parsers"], status["jsonPath"]) == ("int", ["json"], ["status"])
    assert found["limit"] == 1000
    found = await ask(client, "detected_field/status/values", query='{name="web"}')
    assert found["values"] == ["500"]


async def test_there_are_no_patterns(client: Client, log: object) -> None:
    assert await ask(client, "patterns", query='{name="web"}') == {"status": "success", "data": []}
