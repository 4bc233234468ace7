"""What the configuration says about looking at file systems; the keys are those of `metrics.disk`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

# What a container's engine says its writable layer uses, in bytes, by the container's id; None when it does not say.
UsageTold = Callable[[str], int | None]


def nothing_told(id: str) -> int | None:
    """No engine says anything."""
    return None


@dataclass(frozen=True, slots=True)
class DiskOptions:
    """Seconds between looks, volumes per container, and what walks may cost.

    `walk_rate` is entries per second, `walk_share` the share of one processor, `walk_limit` the seconds after which
    a walk is given up.
    """

    period: float = 60.0
    volumes: int = 16
    walk_period: float = 600.0
    walk_limit: float = 300.0
    walk_rate: int = 2000
    walk_share: float = 0.05
    usage_told: UsageTold = nothing_told


DEFAULT = DiskOptions()
