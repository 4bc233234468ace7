"""A question of Loki's read API, as it crosses to the process that answers it."""

from __future__ import annotations

from typing import Literal

import msgspec

from collectors.logs.record import LogTarget

MAX_LIMIT = 5000
"""Entries that one answer may hold."""
Kind = Literal[
    "query",
    "query_range",
    "labels",
    "label_values",
    "series",
    "index_stats",
    "index_volume",
    "index_volume_range",
    "detected_labels",
    "detected_fields",
    "detected_field_values",
    "format_query",
]

LIGHT: frozenset[Kind] = frozenset(
    ("labels", "label_values", "series", "detected_labels", "index_stats", "format_query")
)
"""Kinds that read no log."""


class LokiQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked. Times are in ns since the epoch; of an instant query `end` is the time.

    `selectors` are the series' `match[]`, `name` the label or field whose values are asked for; `limit` counts
    entries, values or series, `lines` the entries that fields are looked for in. `step` 0 is Loki's default.
    `categorize` tells a line's metadata and parsed labels apart from the stream's. `grouping` and `by_labels` are
    the volume's `targetLabels` and `aggregateBy=labels`. `cuts` are as in LogQuery.
    """

    kind: Kind
    targets: list[LogTarget] = []
    node: str = ""
    external_labels: dict[str, str] = {}
    query: str = ""
    selectors: list[str] = []
    name: str = ""
    start: int = 0
    end: int = 0
    step: int = 0
    limit: int = 100
    lines: int = 100
    forward: bool = False
    categorize: bool = False
    grouping: list[str] = []
    by_labels: bool = False
    cuts: dict[str, list[tuple[str, int, int]]] = {}
