"""`GET /metrics`: the host as it is now, for Prometheus."""

from __future__ import annotations

import difflib

from aiohttp import web

from agent.api import AgentApi
from agent.exposition.negotiation import accepts_gzip
from agent.exposition.scrape import COLLECTORS
from agent.http.parameters import known
from agent.http.problem import HttpProblem
from agent.http.route import Parameter, Route
from agent.http.streaming import streamed
from agent.rights import Right

COLLECT = "collect[]"


async def get(api: AgentApi, request: web.Request) -> web.StreamResponse:
    """One exposition in the format that Accept asks for, gzipped when the client takes it."""
    known(request, (COLLECT,))
    collect = request.query.getall(COLLECT, [])
    for name in collect:
        if name not in COLLECTORS:
            near = difflib.get_close_matches(name, COLLECTORS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(COLLECTORS))}"
            raise HttpProblem(400, f"{COLLECT}: no collector {name!r}; {hint}")
    gzip = accepts_gzip(request.headers.get("Accept-Encoding", ""))
    content_type, pieces = api.scrape(request.headers.get("Accept", ""), gzip, collect)
    headers = {"Vary": "Accept, Accept-Encoding"}
    if gzip:
        headers["Content-Encoding"] = "gzip"
    return await streamed(request, content_type, pieces, headers)


ROUTES = (
    Route(
        "GET",
        "/metrics",
        get,
        Right.SCRAPE,
        "Metrics of all containers, of the host and of the agent",
        (Parameter(COLLECT, "only these collectors", repeated=True),),
        answers="text/plain",
        statuses=(400,),
    ),
)
