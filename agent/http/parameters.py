"""Query parameters of a request as values; a wrong one is a 400 that names it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import msgspec
from aiohttp import web

from agent.http.problem import HttpProblem
from agent.units import parse_duration, parse_time

# More of them than any value here has; int() refuses thousands with an error of its own.
_DIGITS = 18


def known(request: web.Request, names: Iterable[str]) -> None:
    """Refuse parameters that the path does not take, so that a misspelt one is not ignored."""
    unknown = sorted(set(request.query) - set(names))
    if unknown:
        takes = ", ".join(names) or "none"
        raise HttpProblem(400, f"unknown parameter {unknown[0]!r}; this path takes {takes}")


def flag(request: web.Request, name: str) -> bool:
    """A parameter that is 1 or 0."""
    text = request.query.get(name, "0").lower()
    if text in ("1", "true", ""):
        return True
    if text in ("0", "false"):
        return False
    raise HttpProblem(400, f"{name}: expected 1 or 0, got {text!r}")


def moment(request: web.Request, name: str) -> float | None:
    """A time, as seconds since the epoch; None when it is not given."""
    text = request.query.get(name)
    if not text:
        return None
    try:
        return parse_time(text, time.time())
    except (ValueError, OverflowError) as error:
        raise HttpProblem(400, f"{name}: {error}") from None


def duration(request: web.Request, name: str, most: float) -> float:
    """A duration in seconds, 0 when it is not given."""
    text = request.query.get(name)
    if not text:
        return 0.0
    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise HttpProblem(400, f"{name}: {error}") from None
    return min(seconds, most)


def number(request: web.Request, name: str, default: int, most: int) -> int:
    """A whole number from 0 to `most`."""
    text = request.query.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > _DIGITS or int(text) > most:
        raise HttpProblem(400, f"{name}: expected a whole number up to {most}, got {text[:80]!r}")
    return int(text)


def choice(request: web.Request, name: str, choices: tuple[str, ...], default: str) -> str:
    """One of some words."""
    text = request.query.get(name, default)
    if text not in choices:
        raise HttpProblem(400, f"{name}: expected {' or '.join(choices)}, got {text!r}")
    return text


async def json_body(request: web.Request, kind: Any) -> Any:
    """The JSON body as a type; a 400 names what is wrong in it."""
    raw = await request.read()
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.DecodeError as error:
        raise HttpProblem(400, f"the body is not as it should be: {error}") from None
