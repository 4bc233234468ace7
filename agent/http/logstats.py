"""`/api/v1/logs/stats`: what became of what containers printed: read, shipped, given up and why, not there yet."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from aiohttp import web

from agent.api import AgentApi
from agent.http import answer
from agent.http.logs import CONTAINER, chosen, service, targets_of
from agent.http.parameters import known
from agent.http.route import SELECTOR, Route
from agent.logs.service import LogService
from agent.rights import Right
from agent.shipping.report import Shipped, SinkReport
from agent.units import format_time
from collectors.logs.counters import UNKNOWN_SIZE, Counters
from collectors.logs.record import LogTarget

_SLICE = 100
_UNKNOWN = "unknown"


async def get(api: AgentApi, request: web.Request) -> web.StreamResponse:
    """The accounts of the chosen containers, sorted by name, and how each sink does."""
    known(request, ("selector", "container"))
    logs = service(api)
    targets = targets_of(logs, chosen(api, request))
    targets.sort(key=lambda target: (str(target.container.get("name", "")), target.id))
    accounts = []
    for number, target in enumerate(targets):
        accounts.append(_account(logs, target))
        if number % _SLICE == _SLICE - 1:
            await asyncio.sleep(0)
    return answer.json({"containers": accounts, "sinks": [_standing(one) for one in logs.sinks]})


def _account(logs: LogService, target: LogTarget) -> dict[str, Any]:
    """One container's account; what it printed is left out as long as nothing was read of it."""
    about = {name: value for name, value in target.container.items() if name not in ("labels", "node")}
    account: dict[str, Any] = {"container": {"id": target.id} | about}
    counted = logs.counted(target.id)
    if counted is not None:
        account |= _read(counted.counters) | {"lag": counted.lag}
    account["shipped"] = [_shipped(one) for one in sorted(logs.shipped(target.id), key=lambda one: one.sink)]
    return account


def _read(counters: Counters) -> dict[str, Any]:
    return {
        "read": {"bytes": counters.bytes, "lines": counters.lines},
        "messages": counters.messages,
        "dropped": _dropped(counters.dropped),
    }


def _dropped(dropped: dict[str, int]) -> list[dict[str, Any]]:
    """Each reason with its count; where `size` is `unknown` each of them is a gap of one entry or more."""
    return [
        {"reason": reason, "count": count} | ({"size": _UNKNOWN} if reason in UNKNOWN_SIZE else {})
        for reason, count in sorted(dropped.items())
    ]


def _shipped(one: Shipped) -> dict[str, Any]:
    return {
        "sink": one.sink,
        "records": one.records,
        "bytes": one.bytes,
        "dropped": _dropped(one.dropped),
        "lag": one.lag,
    }


def _standing(one: SinkReport) -> dict[str, Any]:
    shown: dict[str, Any] = msgspec.to_builtins(one) | {"dropped": _dropped(one.dropped)}
    if one.failing_since is not None:
        shown["failing_since"] = format_time(one.failing_since)
    return shown


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def _array(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


_TEXT, _COUNT, _NUMBER = {"type": "string"}, {"type": "integer"}, {"type": "number"}
_COUNTS = {"type": "object", "additionalProperties": _COUNT}
_DROPPED = _array(_object(reason=_TEXT, count=_COUNT, size={"const": _UNKNOWN}))
_CONTAINER = _object(
    container={"type": "object", "additionalProperties": _TEXT},
    read=_object(bytes=_COUNTS, lines=_COUNTS),
    messages=_COUNTS,
    dropped=_DROPPED,
    lag=_NUMBER,
    shipped=_array(_object(sink=_TEXT, records=_COUNT, bytes=_COUNT, dropped=_DROPPED, lag=_NUMBER)),
)
_SINK = _object(
    name=_TEXT,
    records=_COUNT,
    bytes=_COUNT,
    dropped=_DROPPED,
    sends=_COUNTS,
    seconds=_NUMBER,
    pending=_COUNT,
    failing_since={"type": ["string", "null"], "format": "date-time"},
    why=_TEXT,
    lag=_NUMBER,
    spool_bytes=_COUNT,
)
ROUTES = (
    Route(
        "GET", "/api/v1/logs/stats", get, Right.LOGS, "What became of what containers printed", (SELECTOR, CONTAINER),
        schema=_object(containers=_array(_CONTAINER), sinks=_array(_SINK)), statuses=(400, 404, 409, 503),
    ),
)  # fmt: skip
