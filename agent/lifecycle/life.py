"""One container as the agent knows it: what its engine reports, and what the kernel has said since."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass

from agent.lifecycle.counters import Key
from agent.lifecycle.verdict import signal_of
from collectors.metrics.rows import Row
from collectors.model import Entry, Reason, State

ALIVE = (State.RUNNING, State.PAUSED)


@dataclass(slots=True)
class Life:
    """A container and its present run."""

    entry: Entry
    key: Key
    run: int
    alive: bool = False
    oom_kills: int = 0  # the cgroup's own count when it was last read
    oom_in_run: bool = False
    first: Row | None = None  # read when it was first seen: better than nothing when the end comes too fast
    latest: Row | None = None  # of the last pass
    final: Row | None = None
    in_time: bool = False  # whether the final reading came before the cgroup was removed
    status: int | None = None  # wait status by the kernel, where it keeps it
    ended_at: float | None = None
    reason: Reason | None = None
    settle: asyncio.TimerHandle | None = None

    def begin(self, oom_kills: int) -> None:
        """Another run: nothing is known of it yet but the kills its cgroup has counted already."""
        self.cancel_settle()
        self.alive, self.oom_kills, self.oom_in_run = True, oom_kills, False
        self.first = self.latest = self.final = None
        self.in_time = False
        self.status = self.ended_at = self.reason = None

    def cancel_settle(self) -> None:
        """Whoever was waited for has spoken."""
        if self.settle is not None:
            self.settle.cancel()
            self.settle = None

    @property
    def untold(self) -> bool:
        """Whether it has ended by the kernel's word, and no event says so yet."""
        return self.ended_at is not None and self.reason is None

    def outcome(self) -> tuple[int | None, int | None]:
        """Exit code and signal: the engine's word for a run it calls ended, else the kernel's."""
        container = self.entry.container
        if container.state not in ALIVE and (container.exit_code is not None or container.signal is not None):
            code = container.exit_code
            return code, container.signal or signal_of(code)
        if self.status is not None:
            result = os.waitstatus_to_exitcode(self.status)
            return (128 - result, -result) if result < 0 else (result, signal_of(result))
        return None, None


def name_of(entry: Entry) -> str:
    """What tells a container from all others, however often it runs: engine and engine's id, or path."""
    container = entry.container
    return f"{container.engine}\0{container.engine_id or container.id}"


def another_run(before: Entry, after: Entry) -> bool:
    """Whether a report is about another run than the one before it: it started at another time."""
    old, new = before.container.started_at, after.container.started_at
    return old is not None and new is not None and old != new


def ended_again(before: Entry, after: Entry) -> bool:
    """Whether a report is about another end than the one before it."""
    finished = after.container.finished_at
    return finished is not None and finished != before.container.finished_at
