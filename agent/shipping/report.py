"""What the log worker tells the agent about its sinks."""

from __future__ import annotations

import msgspec


class SinkReport(msgspec.Struct, frozen=True):
    """How one sink does, since the worker began. `sends` counts hand-overs by their verdict, `pending` are records
    handed over and not acknowledged; `lag` is the age in seconds of the oldest record that it has not got."""

    name: str
    records: int
    bytes: int
    dropped: dict[str, int]
    sends: dict[str, int]
    seconds: float
    pending: int
    failing_since: float | None
    why: str
    lag: float
    spool_bytes: int


class Shipped(msgspec.Struct, frozen=True):
    """What became of one container's records at one sink, since it was first shipped there."""

    id: str
    sink: str
    records: int
    bytes: int
    dropped: dict[str, int]
    lag: float


class Report(msgspec.Struct, frozen=True):
    """All of it: every sink, and the containers that changed since the last report."""

    sinks: list[SinkReport]
    shipped: list[Shipped]
