"""`GET /openapi.json`: the API described in OpenAPI 3.1, made from the routes themselves."""

from __future__ import annotations

import functools
import importlib.metadata
import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec

from agent.http.route import JSON, PROBLEM, Parameter, Route
from agent.http.workloads import Scale
from collectors.model import Container, Event
from runtime.supervision.spec import WorkloadSpec

TEMPLATE = "#/components/schemas/{name}"
TIME = {"type": "string", "format": "date-time"}
CONDITION = {
    "type": "object",
    "required": ["code", "severity", "text", "remedy"],
    "properties": {name: {"type": "string"} for name in ("code", "severity", "text", "remedy")},
}
PROBLEM_SCHEMA = {
    "type": "object",
    "required": ["title", "status", "message"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "message": {"type": "string", "description": "one line that names the thing and the remedy"},
    },
}


def document(routes: Sequence[Route]) -> dict[str, Any]:
    """The whole description of some routes."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "deckwatch",
            "version": importlib.metadata.version("deckwatch"),
            "summary": "Containers of this host: what they use, print and go through",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "basic": {"type": "http", "scheme": "basic"},
            },
        },
    }


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": _identifier(route),
        "summary": route.summary,
        "tags": [route.handler.__module__.rpartition(".")[2]],
        "responses": {"200": _answer(route), **{str(status): _problem(status) for status in route.statuses}},
    }
    if route.parameters:
        operation["parameters"] = [_parameter(one) for one in route.parameters]
    if route.body:
        content = {JSON: {"schema": {"$ref": TEMPLATE.format(name=route.body)}}}
        operation["requestBody"] = {"required": True, "content": content}
    if route.right is not None:
        # Control is never for a password alone.
        others: list[dict[str, list[str]]] = [] if route.right.value == "control" else [{"basic": []}, {}]
        operation["security"] = [{"bearer": []}, *others]
        operation["description"] = f"Needs the right `{route.right}`."
    return operation


def _identifier(route: Route) -> str:
    """The path in words; `/-/ready` is the agent's own, beside Loki's `/ready`."""
    path = route.path.replace("/-/", "/agent/")
    return re.sub(r"[^a-z0-9]+", "_", f"{route.method} {path}".lower()).strip("_")


def _answer(route: Route) -> dict[str, Any]:
    schema = route.schema if route.schema is not None else {"type": "string"}
    return {"description": "OK", "content": {route.answers: {"schema": schema}}}


def _problem(status: int) -> dict[str, Any]:
    schema = {"$ref": TEMPLATE.format(name="Problem")}
    return {"description": HTTPStatus(status).phrase, "content": {PROBLEM: {"schema": schema}}}


def _parameter(one: Parameter) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": one.kind}
    if one.choices:
        schema["enum"] = list(one.choices)
    if one.repeated:
        schema = {"type": "array", "items": schema}
    return {
        "name": one.name,
        "in": one.place,
        "description": one.text,
        "required": one.place == "path",
        "schema": schema,
    }


@functools.cache
def _schemas() -> dict[str, Any]:
    from runtime.supervision.status import WorkloadStatus  # only who asks for the description pays

    types: list[Any] = [Container, Event, WorkloadSpec, WorkloadStatus, Scale]
    _, schemas = msgspec.json.schema_components(types, ref_template=TEMPLATE)
    for schema in schemas.values():
        for name, member in schema.get("properties", {}).items():
            if name.endswith("_at") or (name == "time" and member.get("type") == "number"):
                schema["properties"][name] = (
                    {"anyOf": [TIME, {"type": "null"}]} if "default" in member else TIME
                )
    item = {"$ref": TEMPLATE.format(name="WorkloadSpec")}
    return {
        **schemas,
        "WorkloadSpecs": {"type": "array", "items": item},
        "Condition": CONDITION,
        "Problem": PROBLEM_SCHEMA,
        "LogRecord": {"type": "object", "required": ["time", "stream", "message", "container", "uid"]},
    }
