"""What the supervisor tells: one event for each thing that happens to a replica."""

from __future__ import annotations

import enum

import msgspec


class EventType(enum.StrEnum):
    """Kinds of events."""

    START = "start"
    EXIT = "exit"
    RESTART = "restart"
    REFUSED = "refused"
    OOM_KILL = "oom_kill"


class WorkloadEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that happened to one replica; `observed` is `late` when it was learnt of afterwards.

    `count` is the number of processes that an `oom_kill` event stands for. `message` says why a start
    was refused or failed.
    """

    type: EventType
    replica: str
    workload: str
    run: int
    time: float
    exit_code: int | None = None
    signal: int | None = None
    reason: str | None = None
    message: str = ""
    count: int = 1
    observed: str = "live"
