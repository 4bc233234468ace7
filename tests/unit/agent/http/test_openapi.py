"""The API described in OpenAPI 3.1."""

from __future__ import annotations

import json
from typing import Any

from agent.http import openapi
from agent.http.routes import ROUTES


def references(value: Any) -> set[str]:
    if isinstance(value, dict):
        found = {value["$ref"]} if "$ref" in value else set()
        return found.union(*(references(item) for item in value.values()))
    return set().union(*(references(item) for item in value)) if isinstance(value, list) else set()


def test_the_description_holds_every_route_and_every_reference() -> None:
    document = json.loads(json.dumps(openapi.document(ROUTES)))
    assert document["openapi"] == "3.1.0"
    described = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    assert described == {(route.method, route.path) for route in ROUTES}
    schemas = document["components"]["schemas"]
    for reference in references(document):
        assert reference.removeprefix("#/components/schemas/") in schemas, reference
    operations = [one for item in document["paths"].values() for one in item.values()]
    ids = [one["operationId"] for one in operations]
    assert len(ids) == len(set(ids))


def test_times_are_described_as_they_are_sent() -> None:
    schema = openapi.document(ROUTES)["components"]["schemas"]["Container"]["properties"]
    assert {"type": "string", "format": "date-time"} in schema["started_at"]["anyOf"]


def test_control_needs_a_token_over_tcp() -> None:
    paths = openapi.document(ROUTES)["paths"]
    assert paths["/api/v1/workloads/{name}"]["put"]["security"] == [{"bearer": []}]
    assert {"basic": []} in paths["/metrics"]["get"]["security"]
    assert "security" not in paths["/-/healthy"]["get"]
