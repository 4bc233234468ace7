"""What a query over logs asks for, as it crosses to the process that answers it."""

from __future__ import annotations

import msgspec

from collectors.logs.record import LogTarget


class LogQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What to find. Times are epoch seconds, both inclusive; `grep` is an RE2 pattern.

    `level` and `stream` are one name or several with commas. `limit` counts over all containers,
    `tail_per_container` the newest of each. `previous` asks for the run before the newest one.
    `cuts` are boundaries of entries that were set by time, by container: key in hex, offset, size.
    """

    targets: list[LogTarget] = []
    since: float | None = None
    until: float | None = None
    grep: str | None = None
    level: str | None = None
    stream: str | None = None
    limit: int = 1000
    direction: str = "backward"
    tail_per_container: int | None = None
    previous: bool = False
    cuts: dict[str, list[tuple[str, int, int]]] = {}
