"""`/detected_labels`, `/detected_fields`, `/detected_field/NAME/values` and `/patterns`: what one can filter by."""

from __future__ import annotations

from aiohttp import web

from agent.api import AgentApi
from agent.http import answer
from agent.http.loki.asking import LIMIT, QUERY, RANGE, STEP, answered, routes
from agent.http.loki.values import values_of
from agent.http.route import Parameter
from collectors.logs.loki.query import Kind

NAME = Parameter("name", "the field", place="path")
LINES = Parameter("line_limit", "how many of the newest lines are looked at", kind="integer")
MAX_FIELDS = 1000
MAX_LINES = 5000


async def labels(api: AgentApi, request: web.Request) -> web.StreamResponse:
    """Labels with the number of their values."""
    values = await values_of(request)
    start, end = values.between()
    return await answered(api, request, "detected_labels", query=values.text("query"), start=start, end=end)


async def fields(api: AgentApi, request: web.Request) -> web.StreamResponse:
    """Fields of the newest lines."""
    return await _fields(api, request, "detected_fields")


async def values_of_field(api: AgentApi, request: web.Request) -> web.StreamResponse:
    """The values of one field in the newest lines."""
    return await _fields(api, request, "detected_field_values")


async def _fields(api: AgentApi, request: web.Request, kind: Kind) -> web.StreamResponse:
    values = await values_of(request)
    start, end = values.between()
    return await answered(
        api,
        request,
        kind,
        query=values.text("query"),
        name=request.match_info.get("name", ""),
        start=start,
        end=end,
        limit=values.most("limit", MAX_FIELDS, MAX_FIELDS),
        lines=values.most("line_limit", 100, MAX_LINES),
    )


async def patterns(api: AgentApi, request: web.Request) -> web.StreamResponse:
    """None: patterns of lines are not looked for."""
    return answer.json({"status": "success", "data": []})


ROUTES = (
    *routes("/detected_labels", labels, "Labels and their cardinality", QUERY, *RANGE, LIMIT),
    *routes("/detected_fields", fields, "Fields of lines", QUERY, *RANGE, LIMIT, LINES),
    *routes(
        "/detected_field/{name}/values",
        values_of_field,
        "Values of a field",
        NAME,
        QUERY,
        *RANGE,
        LIMIT,
        LINES,
    ),
    *routes("/patterns", patterns, "Patterns of lines: none", QUERY, *RANGE, STEP),
)
