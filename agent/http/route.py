"""One route of the HTTP API as data: what serves it, which right it needs, and what to say of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from agent.api import AgentApi
from agent.rights import Right

Handler = Callable[[AgentApi, web.Request], Awaitable[web.StreamResponse]]

JSON = "application/json"
NDJSON = "application/x-ndjson"
EVENT_STREAM = "text/event-stream"
PROBLEM = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a route; `kind` is its JSON type, `repeated` when it may be given several times."""

    name: str
    text: str
    kind: str = "string"
    place: str = "query"
    repeated: bool = False
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path. `right` None: open to everybody on every listener."""

    method: str
    path: str
    handler: Handler
    right: Right | None
    summary: str
    parameters: tuple[Parameter, ...] = ()
    body: str = ""
    answers: str = JSON
    schema: dict[str, Any] | None = None
    statuses: tuple[int, ...] = ()


SELECTOR = Parameter("selector", 'PromQL matchers such as {engine="docker",name=~"web.*"}')
ALL = Parameter(
    "all", "1 includes the dead that are still kept, and pods, sandboxes, services and slices", kind="boolean"
)
SINCE = Parameter("since", "RFC 3339 time, or a duration before now such as 15m")
UNTIL = Parameter("until", "RFC 3339 time, or a duration before now such as 5m")
ID = Parameter(
    "id",
    "name, engine id or a unique prefix of it, workload, namespace/pod/container, namespace/pod, "
    "or percent-encoded cgroup path",
    place="path",
)
