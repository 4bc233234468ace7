"""All routes of the HTTP API, and the application that serves them on one kind of listener."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.typedefs import Middleware

from agent.api import AgentApi
from agent.http import (
    answer,
    containers,
    events,
    health,
    landing,
    logs,
    logstats,
    loki,
    metrics,
    openapi,
    refused,
    sd,
    workloads,
)
from agent.http.auth import Guard, Listener, guarded
from agent.http.problem import problems
from agent.http.route import EVENT_STREAM, Handler, Route
from agent.http.sse import STREAMS, Streams
from agent.rights import Right, Tokens

MAX_BODY = 1 << 20
Answered = Callable[[str, int], None]


async def _describe(api: AgentApi, request: web.Request) -> web.StreamResponse:
    return answer.json(openapi.document(ROUTES))


_RESOURCES = (metrics, sd, containers, logs, logstats, loki, events, workloads, health, landing)
ROUTES: tuple[Route, ...] = (
    *(route for resource in _RESOURCES for route in resource.ROUTES),
    Route("GET", "/openapi.json", _describe, Right.METRICS, "This description", schema={"type": "object"}),
)

_STYLE = base64.b64encode(hashlib.sha256(landing.STYLE.encode()).digest()).decode()
HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


async def _secure(request: web.Request, response: web.StreamResponse) -> None:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["Server"] = "deckwatch"


def build_app(
    api: AgentApi,
    *,
    listener: str,
    tokens: Tokens | None = None,
    group: str | None = None,
    streams: Streams | None = None,
    answered: Answered | None = None,
    asked: Callable[[web.BaseRequest], None] | None = None,
) -> web.Application:
    """The application for one kind of listener: `socket`, `loopback` or `open`.

    `group` may use the socket beside its owner; `streams` counts live streams over several applications;
    `answered` is told the path of the route and the status of each answer, `asked` of each request.
    """
    app = web.Application(middlewares=[_told(asked, answered), problems], client_max_size=MAX_BODY)
    app[STREAMS] = streams or Streams()
    app.on_response_prepare.append(_secure)
    guard = Guard(Listener(listener), tokens=tokens, group=group)
    for route in ROUTES:
        handler = guarded(guard, route.right, _bound(api, route.handler))
        app.router.add_route(route.method, route.path, handler)
        if route.method == "GET" and route.answers != EVENT_STREAM:
            app.router.add_route("HEAD", route.path, handler)
    for path, (right, _, _) in refused.PATHS.items():
        app.router.add_route("*", path, guarded(guard, right, _bound(api, refused.refusal(path))))
    return app


def _told(asked: Callable[[web.BaseRequest], None] | None, answered: Answered | None) -> Middleware:
    @web.middleware
    async def tell(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        if asked is not None:
            asked(request)
        response = await handler(request)
        if answered is not None:
            resource = request.match_info.route.resource
            answered(resource.canonical if resource is not None else "", response.status)
        return response

    return tell


def _bound(api: AgentApi, handler: Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def call(request: web.Request) -> web.StreamResponse:
        return await handler(api, request)

    return call
