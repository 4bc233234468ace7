"""Trace and span ids, as OpenTelemetry, ECS, Datadog, Google, B3 and W3C Trace Context write them into logs.

Given out as W3C has them: 32 or 16 hexadecimal digits for a trace, 16 for a span, lower case, not all zero.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import re2

_TRACE, _SPAN = 32, 16
_BOTH = (_TRACE + _SPAN) // 2
_TRACE_WIDTHS = frozenset((16, 32))
_SPAN_WIDTHS = frozenset((_SPAN,))
_PARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")
_GOOGLE = re.compile(r"projects/[^/]{1,64}/traces/([0-9a-fA-F]{32})")
# Patterns that begin with a literal: what a search skips quickest.
_VALUE = r"""[_.-]?[iI][dD][\\"']{0,2}\s{0,4}[=:]\s{0,4}[\\"']{0,2}([0-9a-fA-F]{1,32})(?!\w)"""
_TRACE_PAIR = re.compile(f"race{_VALUE}", re.A)
_SPAN_PAIR = re.compile(f"pan{_VALUE}", re.A)
_TRACE_CAPITALS = re.compile(f"RACE{_VALUE}", re.A)
_SPAN_CAPITALS = re.compile(f"PAN{_VALUE}", re.A)
_PARENT_INSIDE = re.compile(r"(?<![\w-])00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(?![\w-])", re.A)
_MAY_HOLD = re2.compile(rb"(?i)race[_.-]?id|00-[0-9a-f]{32}-")


def _trace(value: Any) -> str | None:
    if not isinstance(value, str) or len(value) not in _TRACE_WIDTHS:
        return None
    try:
        size = len(bytes.fromhex(value))
    except ValueError:
        return None
    return value.lower() if 2 * size == len(value) and value.strip("0") else None


def _span(value: Any) -> str | None:
    found = _trace(value)
    return found if found is not None and len(found) == _SPAN else None


def _decimal(value: Any) -> str | None:
    """Datadog's: 64 bits as a decimal number."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 20:
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**64:
        return f"{value:016x}"
    return None


def _datadog_trace(value: Any) -> str | None:
    return _decimal(value) or _trace(value)


def _datadog_span(value: Any) -> str | None:
    return _decimal(value) or _span(value)


def _trace_of_parent(value: Any) -> str | None:
    found = _PARENT.fullmatch(value) if isinstance(value, str) else None
    return _trace(found[1]) if found else None


def _span_of_parent(value: Any) -> str | None:
    found = _PARENT.fullmatch(value) if isinstance(value, str) else None
    return _span(found[2]) if found else None


def _google_trace(value: Any) -> str | None:
    found = _GOOGLE.fullmatch(value) if isinstance(value, str) else None
    return _trace(found[1]) if found else _trace(value)


def _inside(key: str, read: Callable[[Any], str | None]) -> Callable[[Any], str | None]:
    """Reads a member of a nested object, or the value itself."""

    def reads(value: Any) -> str | None:
        return read(value.get(key)) if isinstance(value, dict) else read(value)

    return reads


Reader = Callable[[Any], str | None]

TRACES: Mapping[str, Reader] = {
    **dict.fromkeys(
        (
            "trace_id", "traceId", "traceID", "TraceId", "TraceID", "traceid", "trace.id", "trace-id", "otelTraceID",
            "X-B3-TraceId", "x-b3-traceid",
        ),
        _trace,
    ),
    "dd.trace_id": _datadog_trace,
    "logging.googleapis.com/trace": _google_trace,
    "traceparent": _trace_of_parent,
    "trace": _inside("id", _trace),
    "dd": _inside("trace_id", _datadog_trace),
}  # fmt: skip
"""Keys that tell a trace, the surest first, and how their values are read."""

SPANS: Mapping[str, Reader] = {
    **dict.fromkeys(
        (
            "span_id", "spanId", "spanID", "SpanId", "SpanID", "spanid", "span.id", "span-id", "otelSpanID",
            "logging.googleapis.com/spanId", "X-B3-SpanId", "x-b3-spanid",
        ),
        _span,
    ),
    "dd.span_id": _datadog_span,
    "traceparent": _span_of_parent,
    "span": _inside("id", _span),
    "dd": _inside("span_id", _datadog_span),
}  # fmt: skip
"""The same for spans."""

USUAL_TRACES = frozenset(key for key, read in TRACES.items() if read is _trace)
USUAL_SPANS = frozenset(key for key, read in SPANS.items() if read is _span)
"""Keys whose values are the ids themselves."""

Ids = tuple[str | None, str | None]
NONE: Ids = (None, None)


def usual_ids(trace: Any, span: Any) -> Ids:
    """A trace of 32 and a span of 16 digits, checked together: by far the most frequent case. None for any other."""
    try:
        if len(trace) == _TRACE and len(span) == _SPAN and len(bytes.fromhex(trace + span)) == _BOTH:
            trace, span = trace.lower(), span.lower()
            return (trace, span) if trace.strip("0") and span.strip("0") else NONE
    except (TypeError, ValueError):
        pass
    return NONE


def first_of(readers: Iterable[tuple[str, Reader]], fields: dict[str, Any]) -> str | None:
    """What the first of some (key, reader) finds; each key is one of the fields."""
    for key, read in readers:
        if found := read(fields[key]):
            return found
    return None


def may_hold_ids(joined: bytes) -> bool:
    """Whether a text among these joined ones may tell a trace; False only when none does."""
    return bool(_MAY_HOLD.search(joined))


def ids_in_text(text: str) -> Ids:
    """The trace and the span that a text tells: `trace_id=…`, `"traceId": "…"`, `dd.trace_id=…`, a traceparent."""
    if found := _TRACE_PAIR.search(text):
        span = _SPAN_PAIR.search(text)
        return _id(found, _TRACE_WIDTHS), _id(span, _SPAN_WIDTHS) if span else None
    if "RACE" in text and (found := _TRACE_CAPITALS.search(text)):
        span = _SPAN_CAPITALS.search(text)
        return _id(found, _TRACE_WIDTHS), _id(span, _SPAN_WIDTHS) if span else None
    if "00-" in text and (found := _PARENT_INSIDE.search(text)):
        return _trace(found[1]), _span(found[2])
    return NONE


def _id(found: re.Match[str], widths: frozenset[int]) -> str | None:
    value = found[1]
    if value.isdigit() and found.string[max(0, found.start() - 4) : found.start() - 1].lower() == "dd.":
        return _decimal(value)
    return value.lower() if len(value) in widths and value.strip("0") else None
