"""`/api/v1/logs`: what containers printed, read where it lies, and what they print now."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence

import msgspec
import orjson
import re2
from aiohttp import web

from agent.api import AgentApi
from agent.http import sse
from agent.http.containers import selected
from agent.http.parameters import choice, flag, known, moment, number
from agent.http.problem import HttpProblem
from agent.http.route import EVENT_STREAM, ID, NDJSON, SELECTOR, SINCE, UNTIL, Parameter, Route
from agent.http.streaming import streamed
from agent.logs.service import LogService, QueryRefused
from agent.logs.targets import target_id
from agent.rights import Right
from agent.selectors import parse, resolve
from collectors.logs.query import LogQuery
from collectors.logs.record import LogTarget
from collectors.model import Container

DEFAULT = 1000
MOST = 100_000
_PIECE = 1 << 16
_HELD_AT_MOST = 0.05  # seconds that a record waits for others when they come one by one
DIRECTIONS = ("backward", "forward")
LEVELS = ("trace", "debug", "info", "warn", "error", "fatal", "unknown")
STREAMS = ("stdout", "stderr")

GREP = Parameter("grep", "RE2 pattern that the message must contain")
LEVEL = Parameter("level", f"levels, separated by commas: {', '.join(LEVELS)}")
STREAM = Parameter("stream", "stdout or stderr", choices=STREAMS)
LIMIT = Parameter("limit", f"records at most, {DEFAULT} unless told, up to {MOST}", kind="integer")
DIRECTION = Parameter("direction", "which end the limit counts from, and the order", choices=DIRECTIONS)
TAIL = Parameter("tail", "the newest so many of each container, instead of limit", kind="integer")
PREVIOUS = Parameter("previous", "1 asks for the run before the newest one", kind="boolean")
FOLLOW = Parameter(
    "follow", "1 goes on with what is printed from now on, as server-sent events", kind="boolean"
)
CONTAINER = Parameter("container", "name, id or workload, as in /containers/{id}", repeated=True)
AFTER = Parameter("after", "id of the last record seen; the Last-Event-ID header does the same")
FILTERS = (SINCE, UNTIL, GREP, LEVEL, STREAM, LIMIT, DIRECTION, TAIL, PREVIOUS)
LIVE = (SINCE, GREP, LEVEL, STREAM, TAIL, AFTER)


def service(api: AgentApi) -> LogService:
    """The log service; raises HttpProblem when logs are off."""
    if api.logs is None:
        raise HttpProblem(503, "logs are off in the configuration; set logs.enabled: true and reload")
    return api.logs


def query_of(request: web.Request, targets: Sequence[LogTarget], **more: object) -> LogQuery:
    """The question that a request asks of some containers."""
    grep = request.query.get("grep") or None
    if grep is not None:
        _check_pattern(grep)
    tail = number(request, "tail", 0, MOST) if "tail" in request.query else None
    values: dict[str, object] = {
        "since": moment(request, "since"),
        "until": moment(request, "until"),
        "grep": grep,
        "level": _names(request, "level", LEVELS),
        "stream": _names(request, "stream", STREAMS),
        "limit": number(request, "limit", MOST if tail is not None else DEFAULT, MOST),
        "direction": choice(request, "direction", DIRECTIONS, "backward"),
        "tail_per_container": tail,
        "previous": flag(request, "previous"),
    }
    return LogQuery(targets=list(targets), **(values | more))  # type: ignore[arg-type]


def _check_pattern(pattern: str) -> None:
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0] if error.args else error
        text = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        raise HttpProblem(400, f"grep: {pattern!r} is no RE2 pattern: {text}") from None


def _names(request: web.Request, name: str, allowed: tuple[str, ...]) -> str | None:
    text = request.query.get(name)
    if not text:
        return None
    for one in text.split(","):
        if one not in allowed:
            raise HttpProblem(400, f"{name}: no {name} {one!r}; there are {', '.join(allowed)}")
    return text


def chosen(api: AgentApi, request: web.Request) -> list[Container]:
    """The containers and plain files that `selector` and `container` choose; the dead that are still kept count as
    well."""
    selector = parse(request.query.get("selector") or "")
    files = [one for one in plain_files(service(api)) if selector.matches(one)]
    found = [*selected(api, request, dead=True), *files]
    references = request.query.getall("container", [])
    if not references:
        return found
    ids = {target_id(one) for reference in references for one in resolve(reference, found)}
    return [one for one in found if target_id(one) in ids]


def targets_of(logs: LogService, containers: Sequence[Container]) -> list[LogTarget]:
    """The log files of some containers; those without any are left out."""
    ids = {target_id(container) for container in containers}
    return [target for target in logs.targets if target.id in ids]


def plain_files(logs: LogService) -> list[Container]:
    """The plain log files, each as the container that its records tell of."""
    return [_about(target) for target in logs.targets if target.source.format == "plain"]


async def get(api: AgentApi, request: web.Request) -> web.StreamResponse:
    """Records of the chosen containers, one JSON object per line."""
    known(request, ("selector", "container", *(one.name for one in FILTERS)))
    logs = service(api)
    query = query_of(request, targets_of(logs, chosen(api, request)))
    return await streamed(request, NDJSON, _lines(logs, query))


async def get_one(api: AgentApi, request: web.Request) -> web.StreamResponse:
    """Records of one container, or of all replicas of a workload; with `follow` also the live ones."""
    known(request, ("follow", "after", *(one.name for one in FILTERS)))
    logs = service(api)
    containers = resolve(request.match_info["id"], [*api.containers(dead=True), *plain_files(logs)])
    query = query_of(request, targets_of(logs, containers))
    if not flag(request, "follow"):
        return await streamed(request, NDJSON, _lines(logs, query))
    names, workloads = {one.name for one in containers}, {one.workload for one in containers if one.workload}

    def match(target: LogTarget) -> bool:
        return target.container.get("name") in names or target.container.get("workload") in workloads

    return await _live(api, request, logs, query, match)


async def stream(api: AgentApi, request: web.Request) -> web.StreamResponse:
    """Records of the chosen containers as they are printed, of those too that start later."""
    known(request, ("selector", "container", *(one.name for one in LIVE)))
    logs = service(api)
    query = query_of(request, targets_of(logs, chosen(api, request)))
    return await _live(api, request, logs, query, _later(request))


def _later(request: web.Request) -> Callable[[LogTarget], bool]:
    """Which containers that start later are taken in, told by what their records say about them."""
    selector = parse(request.query.get("selector") or "")
    references = set(request.query.getall("container", []))

    def match(target: LogTarget) -> bool:
        container = _about(target)
        wanted = not references or references & {container.name, container.workload, container.engine_id}
        return bool(wanted) and selector.matches(container)

    return match


def _about(target: LogTarget) -> Container:
    """What records say about a container, as a container."""
    about = {key: value for key, value in target.container.items() if key in Container.__struct_fields__}
    return msgspec.convert({"id": target.id, "name": "", "engine": ""} | about, Container)


async def _lines(logs: LogService, query: LogQuery) -> AsyncIterator[bytes]:
    """The records in pieces of many; when the query fails midway a last line `{"problem": …}` says so."""
    begun, held, size, sent = False, [], 0, 0.0
    try:
        async for line in logs.query(query):
            begun = True
            held.append(line)
            size += len(line)
            if size > _PIECE or time.monotonic() - sent > _HELD_AT_MOST:
                yield b"\n".join((*held, b""))
                held, size, sent = [], 0, time.monotonic()
    except QueryRefused as refused:
        if not begun:
            raise
        held.append(orjson.dumps({"problem": {"reason": refused.reason, "message": str(refused)}}))
    yield b"\n".join((*held, b"")) if held else b""


async def _live(
    api: AgentApi,
    request: web.Request,
    logs: LogService,
    query: LogQuery,
    match: Callable[[LogTarget], bool],
) -> web.StreamResponse:
    frames = _frames(logs, query, sse.last_id(request), match)
    return await sse.serve(request, frames, limit=api.config.server.max_streams)


async def _frames(
    logs: LogService, query: LogQuery, cursor: str | None, match: Callable[[LogTarget], bool]
) -> AsyncGenerator[bytes, None]:
    try:
        async for position, line in logs.stream(query, cursor, match=match):
            yield sse.event(line, id=position)
    except QueryRefused as refused:
        problem = {"reason": refused.reason, "message": str(refused)}
        yield sse.event(orjson.dumps(problem), kind="problem")


RECORDS = {"$ref": "#/components/schemas/LogRecord"}
ROUTES = (
    Route("GET", "/api/v1/logs", get, Right.LOGS, "What containers printed", (SELECTOR, CONTAINER, *FILTERS),
          answers=NDJSON, schema=RECORDS, statuses=(400, 404, 409, 422, 503)),
    Route("GET", "/api/v1/logs/stream", stream, Right.LOGS, "What containers print now",
          (SELECTOR, CONTAINER, *LIVE), answers=EVENT_STREAM, statuses=(400, 404, 409, 503)),
    Route("GET", "/api/v1/containers/{id}/logs", get_one, Right.LOGS, "What one container printed",
          (ID, *FILTERS, FOLLOW, AFTER), answers=NDJSON, schema=RECORDS, statuses=(400, 404, 409, 422, 503)),
)  # fmt: skip
