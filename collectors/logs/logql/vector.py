"""The values of many series at one time, and their labels."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TypeAlias

from collectors.logs.logql.errors import LogQLError

Labels: TypeAlias = frozenset[tuple[str, str]]
Vector: TypeAlias = dict[Labels, float]

MAX_SERIES = 500
NONE: Labels = frozenset()


def labels_of(values: Mapping[str, str]) -> Labels:
    """Labels as a series' identity; an empty value is no label."""
    return frozenset(item for item in values.items() if item[1])


@lru_cache(maxsize=4096)
def only(labels: Labels, names: tuple[str, ...]) -> Labels:
    """These labels and no others."""
    return frozenset(item for item in labels if item[0] in names)


@lru_cache(maxsize=4096)
def without(labels: Labels, names: tuple[str, ...]) -> Labels:
    """All labels but these."""
    return frozenset(item for item in labels if item[0] not in names)


def size_of(labels: Labels) -> int:
    """The characters of all names and values."""
    return sum(len(name) + len(value) for name, value in labels)


def too_many(limit: int) -> LogQLError:
    """The error for more series than are allowed."""
    return LogQLError(
        f"maximum of series ({limit}) reached for a single query; select fewer streams, or aggregate with sum by (…)"
    )


def shown(labels: Labels) -> str:
    """Labels as one writes them: `{a="b", c="d"}`."""
    return "{" + ", ".join(f'{name}="{value}"' for name, value in sorted(labels)) + "}"
