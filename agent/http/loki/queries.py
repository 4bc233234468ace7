"""`/query`, `/query_range` and `/format_query`."""

from __future__ import annotations

from aiohttp import web

from agent.api import AgentApi
from agent.http.loki.asking import LIMIT, QUERY, RANGE, STEP, answered, routes
from agent.http.loki.values import values_of
from agent.http.route import Parameter

TIME = Parameter("time", "time in ns, in seconds, or RFC 3339; now unless told")
DIRECTION = Parameter("direction", "which end the limit counts from", choices=("backward", "forward"))
_LIMIT = 1 << 31
"""What a limit may be in itself: a metric query has no entries, and Grafana sends one all the same."""


async def instant(api: AgentApi, request: web.Request) -> web.StreamResponse:
    """The values of a metric query at one time."""
    values = await values_of(request)
    return await answered(api, request, "query", query=values.text("query"), end=values.at())


async def over_range(api: AgentApi, request: web.Request) -> web.StreamResponse:
    """Lines, or the values of a metric query step by step."""
    values = await values_of(request)
    start, end = values.between()
    return await answered(
        api,
        request,
        "query_range",
        query=values.text("query"),
        start=start,
        end=end,
        step=values.step(),
        limit=values.number("limit", 100, _LIMIT),
        forward=values.forward(),
    )


async def formatted(api: AgentApi, request: web.Request) -> web.StreamResponse:
    """A query as canonical text."""
    values = await values_of(request)
    return await answered(api, request, "format_query", query=values.text("query"))


ROUTES = (
    *routes("/query", instant, "A metric query at one time", QUERY, TIME, LIMIT, DIRECTION),
    *routes("/query_range", over_range, "A query over a range", QUERY, *RANGE, STEP, LIMIT, DIRECTION),
    *routes("/format_query", formatted, "A query as canonical text", QUERY),
)
