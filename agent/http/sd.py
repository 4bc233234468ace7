"""`GET /sd/targets`: what asks to be scraped, for Prometheus' http_sd."""

from __future__ import annotations

import orjson
from aiohttp import web

from agent.api import AgentApi
from agent.http.problem import HttpProblem
from agent.http.route import Route
from agent.rights import Right

OBJECT = {"type": "object"}
TARGETS = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["targets", "labels"],
        "properties": {
            "targets": {"type": "array", "items": {"type": "string"}},
            "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        },
    },
}


async def get(api: AgentApi, request: web.Request) -> web.StreamResponse:
    """The full sorted list; Prometheus keeps its old one on any answer but 200."""
    if api.discovery_reason:
        raise HttpProblem(404, api.discovery_reason)
    targets = api.targets()
    if targets is None:
        raise HttpProblem(
            503,
            "the first look at all containers is not complete yet; ask again in a moment",
            headers={"Retry-After": "1"},
        )
    return web.Response(body=orjson.dumps(targets), content_type="application/json", charset="utf-8")


ROUTES = (
    Route(
        "GET",
        "/sd/targets",
        get,
        Right.SCRAPE,
        "Targets for Prometheus' http_sd",
        schema=TARGETS,
        statuses=(404, 503),
    ),
)
