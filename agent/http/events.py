"""`/api/v1/events`: what happened to containers, and what happens now."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable

import msgspec
import orjson
from aiohttp import web

from agent.api import AgentApi
from agent.events import Lagged, to_json
from agent.http import answer, sse
from agent.http.parameters import known, moment, number
from agent.http.problem import HttpProblem
from agent.http.route import EVENT_STREAM, SELECTOR, SINCE, Parameter, Route
from agent.rights import Right
from agent.selectors import parse
from collectors.model import Container, Event

MOST = 10_000
DEFAULT = 1000
AFTER = Parameter(
    "after", "id of the last event seen; the Last-Event-ID header does the same", kind="integer"
)
LIMIT = Parameter("limit", f"how many of the newest, {DEFAULT} unless told, at most {MOST}", kind="integer")
EVENT = {"$ref": "#/components/schemas/Event"}


def _match(request: web.Request) -> Callable[[Event], bool]:
    text = request.query.get("selector")
    if not text:
        return lambda event: True
    selector = parse(text)
    return lambda event: selector.matches(_container_of(event))


def _container_of(event: Event) -> Container:
    return msgspec.convert({"id": "", "name": "", "engine": ""} | event.container, Container)


async def get(api: AgentApi, request: web.Request) -> web.StreamResponse:
    """Events that are kept, the oldest first."""
    known(request, ("selector", "since", "limit"))
    found = api.events.recent(
        moment(request, "since"), number(request, "limit", DEFAULT, MOST), _match(request)
    )
    return await answer.array(found, to_json)


async def stream(api: AgentApi, request: web.Request) -> web.StreamResponse:
    """Events as they happen; with an id those since it first, with `since` those kept from that time."""
    known(request, ("selector", "since", "after"))
    frames = _frames(api, _match(request), moment(request, "since"), _after(request))
    return await sse.serve(request, frames, limit=api.config.server.max_streams)


def _after(request: web.Request) -> int | None:
    text = sse.last_id(request)
    if text is None:
        return None
    if not text.isascii() or not text.isdigit():
        raise HttpProblem(400, f"after: expected the id of an event, got {text!r}")
    return int(text)


async def _frames(
    api: AgentApi, match: Callable[[Event], bool], since: float | None, after: int | None
) -> AsyncGenerator[bytes, None]:
    if after is None and since is not None:
        for event in api.events.recent(since, MOST, lambda event: True):
            after = event.id
            if match(event):
                yield _frame(event)
    subscription = api.events.subscribe(after)
    while True:
        try:
            async for event in subscription:
                if match(event):
                    yield _frame(event)
            return
        except Lagged as lagged:
            yield sse.event(orjson.dumps({"missed": lagged.missed, "message": str(lagged)}), kind="lagged")


def _frame(event: Event) -> bytes:
    return sse.event(orjson.dumps(to_json(event)), id=str(event.id), kind=event.type)


ROUTES = (
    Route(
        "GET",
        "/api/v1/events",
        get,
        Right.EVENTS,
        "Lifecycle events that are kept",
        (SELECTOR, SINCE, LIMIT),
        schema={"type": "array", "items": EVENT},
        statuses=(400,),
    ),
    Route(
        "GET",
        "/api/v1/events/stream",
        stream,
        Right.EVENTS,
        "Lifecycle events as they happen",
        (SELECTOR, SINCE, AFTER),
        answers=EVENT_STREAM,
        statuses=(400, 503),
    ),
)
