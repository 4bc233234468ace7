"""Which keys of an object tell its level, its trace and its span, worked out once per set of keys.

A program prints objects with the same few sets of keys again and again: looking the set up costs less than looking
for every key that might tell something.
"""

from __future__ import annotations

from typing import Any

from collectors.logs.levels import KEYS
from collectors.logs.parsers.ids import SPANS, TRACES, USUAL_SPANS, USUAL_TRACES, Ids, Reader, first_of

_MOST_SHAPES = 1024
_MOST_KEYS = 64
_LONGEST_KEY = 64


Shape = tuple[
    tuple[str, ...], tuple[str, str] | None, tuple[tuple[str, Reader], ...], tuple[tuple[str, Reader], ...]
]
"""The keys of levels, the surest first; the keys of trace and span where these two are of the usual kind; all keys
of traces and all of spans with their readers. A plain tuple, because taking a named one apart costs twice as much.
"""

_shapes: dict[tuple[str, ...], Shape] = {}
_known = _shapes.get


def shape_of(fields: dict[str, Any]) -> Shape:
    """The shape of an object. At most 1024 are kept, and none of which somebody could fill the memory with."""
    keys = tuple(fields)
    return _known(keys) or _learned(keys)


def ids_in(fields: dict[str, Any]) -> Ids:
    """The trace and the span that an object's keys tell."""
    _, _, traces, spans = shape_of(fields)
    return first_of(traces, fields), first_of(spans, fields)


def _learned(keys: tuple[str, ...]) -> Shape:
    known = frozenset(keys)
    traces = tuple(item for item in TRACES.items() if item[0] in known)
    spans = tuple(item for item in SPANS.items() if item[0] in known)
    usual = traces and spans and traces[0][0] in USUAL_TRACES and spans[0][0] in USUAL_SPANS
    levels = tuple(key for key in KEYS if key in known)
    shape = (levels, (traces[0][0], spans[0][0]) if usual else None, traces, spans)
    if len(keys) <= _MOST_KEYS and all(len(key) <= _LONGEST_KEY for key in keys):
        if len(_shapes) >= _MOST_SHAPES:
            _shapes.clear()
        _shapes[keys] = shape
    return shape
