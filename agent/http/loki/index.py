"""`/index/stats`, `/index/volume` and `/index/volume_range`: how much there is."""

from __future__ import annotations

from aiohttp import web

from agent.api import AgentApi
from agent.http.loki.asking import LIMIT, QUERY, RANGE, STEP, answered, routes
from agent.http.loki.values import Values, values_of
from agent.http.problem import HttpProblem
from agent.http.route import Parameter
from collectors.logs.loki.query import Kind

LABELS = Parameter("targetLabels", "labels to sum by, separated by commas; the selector's unless told")
BY = Parameter("aggregateBy", "series, or labels whatever their values", choices=("series", "labels"))
MAX_VOLUMES = 5000


async def stats(api: AgentApi, request: web.Request) -> web.StreamResponse:
    """Bytes of files that the query would have to read at most."""
    values = await values_of(request)
    start, end = values.between()
    return await answered(api, request, "index_stats", query=values.text("query"), start=start, end=end)


async def volume(api: AgentApi, request: web.Request) -> web.StreamResponse:
    """Bytes of lines by label."""
    return await _volume(api, request, await values_of(request), "index_volume")


async def volume_range(api: AgentApi, request: web.Request) -> web.StreamResponse:
    """Bytes of lines by label, step by step."""
    return await _volume(api, request, await values_of(request), "index_volume_range")


async def _volume(api: AgentApi, request: web.Request, values: Values, kind: Kind) -> web.StreamResponse:
    start, end = values.between()
    by = values.text("aggregateBy", "series")
    if by not in BY.choices:
        raise HttpProblem(400, f"aggregateBy: {by[:40]!r} is neither series nor labels")
    labels = [name for name in values.text("targetLabels").split(",") if name]
    return await answered(
        api,
        request,
        kind,
        query=values.text("query"),
        start=start,
        end=end,
        step=values.step(),
        limit=values.most("limit", 100, MAX_VOLUMES),
        grouping=labels,
        by_labels=by == "labels",
    )


ROUTES = (
    *routes("/index/stats", stats, "Streams, files and bytes", QUERY, *RANGE),
    *routes("/index/volume", volume, "Bytes by label", QUERY, *RANGE, LIMIT, LABELS, BY),
    *routes(
        "/index/volume_range",
        volume_range,
        "Bytes by label over time",
        QUERY,
        *RANGE,
        STEP,
        LIMIT,
        LABELS,
        BY,
    ),
)
