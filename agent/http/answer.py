"""Values as JSON answers: times become RFC 3339, what is unknown stays null."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec
import orjson
from aiohttp import web

from agent.units import format_time
from collectors.model import Container

Item = TypeVar("Item")
_SLICE = 100


def json(value: Any, status: int = 200) -> web.Response:
    """A JSON answer."""
    return web.Response(status=status, body=orjson.dumps(value), content_type="application/json")


def readable(value: Any) -> Any:
    """A struct as plain values; floats under keys that end in `_at`, and `time`, become RFC 3339."""
    return _times(msgspec.to_builtins(value))


def _times(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: format_time(item)
            if isinstance(item, int | float) and (key.endswith("_at") or key == "time")
            else _times(item)
            for key, item in value.items()
        }
    return [_times(item) for item in value] if isinstance(value, list | tuple) else value


def container(one: Container) -> dict[str, Any]:
    """A container as the API shows it; unknown values are null."""
    shown: dict[str, Any] = msgspec.to_builtins(one)
    for name in ("created_at", "started_at", "finished_at"):
        if shown[name] is not None:
            shown[name] = format_time(shown[name])
    return shown


async def array(items: Sequence[Item], convert: Callable[[Item], Any]) -> web.Response:
    """A JSON array of many items; the event loop has its turn between slices."""
    pieces = []
    for start in range(0, len(items), _SLICE):
        encoded = orjson.dumps([convert(item) for item in items[start : start + _SLICE]])
        pieces.append(encoded[1:-1])
        await asyncio.sleep(0)
    return web.Response(body=b"[" + b",".join(pieces) + b"]", content_type="application/json")
