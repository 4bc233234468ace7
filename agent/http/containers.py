"""`/api/v1/containers`: who runs here, and for one of them its readings and processes."""

from __future__ import annotations

import time

from aiohttp import web

from agent.api import AgentApi
from agent.http import answer
from agent.http.parameters import flag, known, moment
from agent.http.route import ALL, ID, SELECTOR, SINCE, Route
from agent.lifecycle.roles import is_listed
from agent.rights import Right
from agent.selectors import Ambiguous, parse, resolve
from agent.units import format_time
from collectors.model import Container

CONTAINER = {"$ref": "#/components/schemas/Container"}


def selected(api: AgentApi, request: web.Request, *, dead: bool) -> list[Container]:
    """The containers that `?selector=` matches; all without one.

    With `dead` also those that ended and are kept, and what is around containers: pods, sandboxes, services,
    slices. Those are also searched by a selector that names `role`.
    """
    selector = parse(request.query.get("selector", ""))
    listed = api.containers(dead=dead)
    if not dead and not selector.names("role"):
        listed = [one for one in listed if is_listed(one)]
    return [one for one in listed if selector.matches(one)]


def named(api: AgentApi, request: web.Request) -> list[Container]:
    """The containers that `{id}` means: one, or all replicas of a workload. The living go first."""
    reference = request.match_info["id"]
    return resolve(reference, api.containers(dead=True))


def one(api: AgentApi, request: web.Request) -> Container:
    """The one container that `{id}` means; raises Ambiguous when there are more."""
    found = named(api, request)
    if len(found) > 1:
        raise Ambiguous(request.match_info["id"], [container.name for container in found])
    return found[0]


async def get_all(api: AgentApi, request: web.Request) -> web.StreamResponse:
    """All containers, sorted by name."""
    known(request, ("selector", "all"))
    found = selected(api, request, dead=flag(request, "all"))
    return await answer.array(found, answer.container)


async def get_one(api: AgentApi, request: web.Request) -> web.StreamResponse:
    """One container."""
    known(request, ())
    return answer.json(answer.container(one(api, request)))


async def get_stats(api: AgentApi, request: web.Request) -> web.StreamResponse:
    """Recorded readings of one container, the oldest first."""
    known(request, ("since",))
    container = one(api, request)
    since = moment(request, "since")
    readings = api.stats(container.id, time.time() - 3600 if since is None else since)
    return answer.json([{**reading, "time": format_time(reading["time"])} for reading in readings])


async def get_processes(api: AgentApi, request: web.Request) -> web.StreamResponse:
    """Processes of one container."""
    known(request, ())
    return answer.json(await api.processes(one(api, request).id))


ROUTES = (
    Route(
        "GET",
        "/api/v1/containers",
        get_all,
        Right.METRICS,
        "All containers",
        (SELECTOR, ALL),
        schema={"type": "array", "items": CONTAINER},
        statuses=(400,),
    ),
    Route(
        "GET",
        "/api/v1/containers/{id}",
        get_one,
        Right.METRICS,
        "One container",
        (ID,),
        schema=CONTAINER,
        statuses=(404, 409),
    ),
    Route(
        "GET",
        "/api/v1/containers/{id}/stats",
        get_stats,
        Right.METRICS,
        "Recorded readings of one container, an hour at most",
        (ID, SINCE),
        schema={"type": "array", "items": {"type": "object"}},
        statuses=(400, 404, 409),
    ),
    Route(
        "GET",
        "/api/v1/containers/{id}/processes",
        get_processes,
        Right.METRICS,
        "Processes of one container",
        (ID,),
        schema={"type": "array", "items": {"type": "object"}},
        statuses=(404, 409),
    ),
)
