"""`/labels`, `/label/NAME/values` and `/series`."""

from __future__ import annotations

from aiohttp import web

from agent.api import AgentApi
from agent.http.loki.asking import QUERY, RANGE, answered, routes
from agent.http.loki.values import HOUR, values_of
from agent.http.route import Parameter

SPAN = 6 * HOUR
"""Labels are looked for in the last six hours, unless told."""
NAME = Parameter("name", "the label", place="path")
MATCH = Parameter("match[]", "selectors", repeated=True)


async def names(api: AgentApi, request: web.Request) -> web.StreamResponse:
    """The names of labels."""
    values = await values_of(request)
    start, end = values.between(SPAN)
    return await answered(api, request, "labels", query=values.text("query"), start=start, end=end)


async def values_of_label(api: AgentApi, request: web.Request) -> web.StreamResponse:
    """The values of one label."""
    values = await values_of(request)
    start, end = values.between(SPAN)
    name = request.match_info["name"]
    return await answered(
        api, request, "label_values", query=values.text("query"), name=name, start=start, end=end
    )


async def series(api: AgentApi, request: web.Request) -> web.StreamResponse:
    """The streams that selectors choose."""
    values = await values_of(request)
    start, end = values.between(SPAN)
    selectors = [*values.all("match[]"), *values.all("match")]
    return await answered(api, request, "series", selectors=selectors, start=start, end=end)


ROUTES = (
    *routes("/labels", names, "Names of labels", QUERY, *RANGE),
    *routes("/label/{name}/values", values_of_label, "Values of a label", NAME, QUERY, *RANGE),
    *routes("/series", series, "Streams", MATCH, *RANGE),
)
