"""All tails of the log worker: woken by inotify and by polling, read in turns, saved together.

A turn reads one batch of one log, so that a loud container never starves the others.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

from agent.exposition.turns import Turns
from collectors.logs.journal.choice import AnyTail, Tails, in_journal
from collectors.logs.positions import Positions, Progress
from collectors.logs.record import LogTarget
from collectors.logs.start import Start
from collectors.logs.watcher import Watcher
from collectors.logs.wire import Counted, Report, ToAgent, Trouble
from runtime.linux.errors import DeckwatchError

COMMIT = 1.0
"""Seconds between commits of positions, and thus how old the agent's counters may be."""
GATHER = 0.1
GATHER_UNSEEN = 0.3
"""Seconds for which what inotify tells is gathered, so that a busy host does not wake the worker for each line;
longer while nobody looks on."""
BUSY = 0.02
"""Seconds between looks at a log that gave several batches in a row, until inotify is listened to again."""
SOON = 0.25
POLL = 10.0
POLL_BLIND = 1.0
FORGET = 86400.0
_MOST_TROUBLES = 1000
_AT_ONCE = 32
"""Containers in one report: with all the metrics that their rules may make it stays a message of a few MB."""
_LAST_STEPS = 64
"""Batches that are read of a container that is gone; more than 16 MB in its last moments are not waited for."""


class Readers:
    """Reads what it is told to, and reports what it counted to `send`."""

    def __init__(
        self,
        positions: Positions[Progress],
        start_at: str | float,
        scratch: str,
        send: Callable[[ToAgent], None],
    ) -> None:
        self.tails: dict[str, AnyTail] = {}
        self._positions = positions
        self._start_at = start_at
        self._tails = Tails(scratch)
        self._send = send
        self.stepped: Callable[[str], None] = _nothing
        """Hears of each container whose log was looked at."""
        self._began = time.time()
        # Of those that were left and not saved yet; all others are asked of the store, where they lie for a week.
        self._left: dict[str, Progress] = {}
        self._watcher = Watcher()
        self._ready: deque[str] = deque()
        self._queued: set[str] = set()
        self._wake = asyncio.Event()
        self._soon: set[str] = set()
        self._changed: set[str] = set()
        self._commit_due = False
        self._looking = False
        self._incomplete: set[str] = set()
        self._streaks: dict[str, int] = {}
        self._busy_until: dict[str, float] = {}
        self._troubled: set[str] = set()
        self._loop = asyncio.get_running_loop()

    async def run(self) -> None:
        """Read until cancelled; what was read is saved at the end."""
        self._listen()
        if self._positions.moved_aside:
            self.trouble("log_positions_broken", f"moved aside to {self._positions.moved_aside}; begun anew")
        try:
            async with asyncio.TaskGroup() as parts:
                parts.create_task(self._pump())
                parts.create_task(self._poll())
        finally:
            self._commit()
            self._watcher.close()

    def follow(self, target: LogTarget) -> AnyTail | None:
        """Read a container's log from now on, or take what is new about it; None when it cannot be read."""
        tail = self.tails.get(target.id)
        try:
            if tail is None:
                progress = self._left.pop(target.id, None) or self._positions.of(target.id) or Progress()
                tail = self._tails.tail(target, progress, self.starts(target))
            else:
                tail.retarget(target)
        except DeckwatchError as error:
            self.trouble("log_not_followed", f"{target.id}: {error}")
            return None
        self.tails[target.id] = tail
        if tail.pending:
            self._incomplete.add(target.id)
        if not in_journal(target):
            self._watcher.add(target.id, target.source.path)
        if not self._watcher.complete and self._watcher.refusal:
            self.trouble(
                "logs_not_watched", f"{self._watcher.refusal}; until then they are polled each second"
            )
        self._look_at_unseen_soon()
        self._mark(target.id)
        self._enqueue(target.id)
        return tail

    def leave(self, id: str) -> None:
        """Read it no longer; its progress is kept."""
        tail = self.tails.pop(id, None)
        if tail is None:
            return
        self._watcher.remove(id)
        self._streaks.pop(id, None)
        self._busy_until.pop(id, None)
        self._left[id] = tail.saved()
        tail.close()
        self._mark(id)

    def finish(self, id: str) -> None:
        """Read on to the end: what a container printed last may not be read yet when it is gone already."""
        tail = self.tails.get(id)
        if tail is None:
            return
        try:
            for _ in range(_LAST_STEPS):
                if not tail.step():
                    break
            tail.end()
        except Exception as error:  # a log that cannot be read is left all the same
            self.trouble("log_not_read", f"cannot read the end of the log of {id}: {error!r}")

    def trouble(self, event: str, error: str) -> None:
        """Told once for each text, so that a lasting condition does not fill the agent's log."""
        if error not in self._troubled and len(self._troubled) < _MOST_TROUBLES:
            self._troubled.add(error)
            self._send(Trouble(event, error))

    def _enqueue(self, id: str) -> None:
        if id in self.tails and id not in self._queued:
            self._queued.add(id)
            self._ready.append(id)
            self._wake.set()

    async def _pump(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            turns = Turns()
            while self._ready:
                id = self._ready.popleft()
                self._queued.discard(id)
                if id in self.tails:
                    self._step(id, self.tails[id])
                await turns.others()

    def starts(self, target: LogTarget) -> Start:
        """Where to begin with a log that was never read. A container that is younger than the worker is read
        whole, whatever `start_at` says."""
        if target.runs and target.runs[0][1] >= self._began:
            return Start.of("beginning", self._began)
        return Start.of(self._start_at, time.time())

    def _step(self, id: str, tail: AnyTail) -> None:
        try:
            more = tail.step()
        except Exception as error:  # whatever one log does, the others are read
            text = str(error) if isinstance(error, OSError | DeckwatchError) else repr(error)
            self.trouble("log_not_read", f"cannot read the log of {id}: {text}; it is tried again")
            return
        self.stepped(id)
        streak = self._streaks.pop(id, 0)
        if more:
            streak += 1
            self._mark(id)
            if tail.pending:
                self._incomplete.add(id)
            if not tail.at_end():
                self._streaks[id] = streak
                self._enqueue(id)
                return
        if self._is_busy(id, streak):
            self._loop.call_later(BUSY, self._enqueue, id)
        elif tail.waiting:
            if not self._soon:
                self._loop.call_later(SOON, self._look_again)
            self._soon.add(id)
        elif tail.target.finished and not tail.pending:
            tail.park()

    def _is_busy(self, id: str, streak: int) -> bool:
        """Whether it gave several batches in a row just now: then its writer may rotate files away unheard."""
        now = self._loop.time()
        if streak > 1:
            self._busy_until[id] = now + GATHER_UNSEEN
        if now < self._busy_until.get(id, 0.0):
            return True
        self._busy_until.pop(id, None)
        return False

    def _look_again(self) -> None:
        ids, self._soon = self._soon, set()
        for id in ids:
            self._enqueue(id)

    async def _poll(self) -> None:
        forget = self._loop.time() + FORGET
        while True:
            await asyncio.sleep(POLL)
            turns = Turns()
            for id, tail in list(self.tails.items()):
                if not tail.target.finished and not tail.at_end():
                    self._enqueue(id)
                await turns.others()
            if self._loop.time() > forget:
                forget += FORGET
                self._positions.forget(self.tails, time.time())

    def _look_at_unseen(self) -> None:
        """Look often at logs about which nobody tells anything, as long as there are any."""
        self._looking = False
        unseen = self._watcher.unseen()
        self._watcher.retry()
        for id in unseen:
            self._enqueue(id)
        self._look_at_unseen_soon()

    def _look_at_unseen_soon(self) -> None:
        if not self._looking and self._watcher.unseen():
            self._looking = True
            self._loop.call_later(POLL_BLIND, self._look_at_unseen)

    def _listen(self) -> None:
        if self._watcher.fd is not None:
            self._loop.add_reader(self._watcher.fd, self._happened, self._watcher.fd)

    def _happened(self, fd: int) -> None:
        self._loop.remove_reader(fd)
        seen = any(tail.listener for tail in self.tails.values())
        self._loop.call_later(GATHER if seen else GATHER_UNSEEN, self._listen)
        for id in self._watcher.happened():
            for each in self.tails if id is None else (id,):
                self._enqueue(each)

    def _mark(self, id: str) -> None:
        self._changed.add(id)
        self._commit_soon()

    def _commit_soon(self) -> None:
        if not self._commit_due:
            self._commit_due = True
            self._loop.call_later(COMMIT, self._commit)

    def _commit(self) -> None:
        """Save what changed, and only then tell the agent: its counters never go back."""
        self._commit_due = False
        for id in list(self._incomplete):
            tail = self.tails.get(id)
            if tail is None or not tail.pending:
                self._incomplete.discard(id)
                continue
            self._commit_soon()
            if tail.flush():
                self._changed.add(id)
                self._enqueue(id)
        changed, self._changed = self._changed, set()
        if not changed:
            return
        rows = [(id, self.tails[id].saved() if id in self.tails else self._left[id]) for id in changed]
        try:
            self._positions.save(rows, time.time())
        except DeckwatchError as error:
            self.trouble("log_positions_not_saved", str(error))
            self._changed |= changed
            self._commit_soon()
            return
        self._left.clear()
        counted = [self._counted(id, each) for id, each in rows if id in self.tails]
        for at in range(0, len(counted), _AT_ONCE):
            self._send(Report(counted[at : at + _AT_ONCE]))

    def _counted(self, id: str, progress: Progress) -> Counted:
        return Counted(id, progress.counters, self.tails[id].lag(time.time()), self.tails[id].boundaries)


def _nothing(id: str) -> None:
    """Nobody listens."""
