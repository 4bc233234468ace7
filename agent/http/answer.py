"""Values as JSON answers: times become RFC 3339, what is unknown stays null."""

from __future__ import annotations

from typing import Any

import msgspec
import orjson
from aiohttp import web

from agent.units import format_time
from collectors.model import Container


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
    shown = readable(one)
    assert isinstance(shown, dict)
    return shown
