"""One sink's shipping: reads its containers in turns, packs parcels, has them delivered, keeps the places.

Each sink reads for itself, from its own places, so that one that is down holds up nobody and needs no memory:
what it has not got lies in the log files, and in the spool when they rotate away. A place moves only when the peer
has everything before it.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence

from agent.shipping.backoff import Backoff
from agent.shipping.deadletters import DeadLetterFile
from agent.shipping.delivery import Delivery, closed
from agent.shipping.outlet import Outlet, Stored
from agent.shipping.parcel import Chunk, Parcel
from agent.shipping.sink import Again, Sink, SinkSettings, Verdict
from agent.shipping.standing import Standing
from collectors.logs.assemble import Cut
from collectors.logs.chain import Look
from collectors.logs.counters import ROTATED_AWAY
from collectors.logs.files import Place
from collectors.logs.journal.choice import Tails
from collectors.logs.positions import Positions
from collectors.logs.record import LogTarget
from collectors.logs.start import Start
from runtime.linux.errors import DeckwatchError

SPOOL_FULL = "spool_full"
SOON = 0.25
SAVE = 0.5
"""Seconds after which a place is saved that moved without anything to hand over."""


class Shipper:
    """Ships what its containers print to one open sink until cancelled.

    `starts` says where to begin with a container that was never shipped here; `look` how its files are listed,
    `cuts_of` which boundaries were set by time in its log, `refused` for how many lines and bytes of it the spool had
    no room. `trouble` gets what cannot be done, as (event, text); `let_go` the id of a container that is gone and
    wholly shipped.
    """

    def __init__(
        self,
        name: str,
        settings: SinkSettings,
        store: Positions[Stored],
        *,
        scratch: str,
        state: str,
        starts: Callable[[LogTarget], Start],
        look: Callable[[str], Look],
        cuts_of: Callable[[str], Sequence[Cut]],
        trouble: Callable[[str, str], None],
        let_go: Callable[[str], None],
        refused: Callable[[str], tuple[int, int]],
        most: int,
    ) -> None:
        self.name = name
        self.settings = settings
        self.standing = Standing()
        self.outlets: dict[str, Outlet] = {}
        self.changed: set[str] = set()
        self._store = store
        self._look = look
        self._tails = Tails(scratch)
        self._starts = starts
        self._cuts_of = cuts_of
        self._trouble = trouble
        self._on_let_go = let_go
        self._refused = refused
        self._parcel_bytes = min(settings.batch_bytes, most)
        self._dead = DeadLetterFile(state, name, settings.dead_letter_bytes, trouble)
        self._ready: deque[str] = deque()
        self._queued: set[str] = set()
        self._wake = asyncio.Event()
        self._soon: set[str] = set()
        self._unsaved: dict[str, Stored] = {}
        self._save_due = self._ended = False
        self._loop = asyncio.get_running_loop()

    def follow(self, target: LogTarget) -> None:
        """Ship a container's output from now on, or take what is new about it."""
        outlet = self.outlets.get(target.id)
        try:
            if outlet is None:
                stored = self._unsaved.get(target.id) or self._store.of(target.id)
                outlet = self.outlets[target.id] = Outlet(
                    target, stored, self._starts(target), self._tails, self._look(target.id)
                )
            else:
                outlet.retarget(target)
        except DeckwatchError as error:
            self._trouble("log_not_shipped", f"{target.id} to {self.name}: {error}")
            return
        outlet.left = False
        self.news(target.id)

    def leave(self, id: str) -> None:
        """The container is gone: what is left of its output is shipped, then it is let go of."""
        if outlet := self.outlets.get(id):
            outlet.left = True
            self.news(id)

    def news(self, id: str) -> None:
        """Something may have happened in a container's log."""
        if id in self.outlets and id not in self._queued:
            self._queued.add(id)
            self._ready.append(id)
            self._wake.set()

    def place_of(self, id: str) -> Place | None:
        """The place in a container's log that the peer has everything before; None for its beginning."""
        outlet = self.outlets.get(id)
        return outlet.acknowledged if outlet else None

    def forget(self) -> None:
        """Drop the places of containers that are gone for a week."""
        self._store.forget(self.outlets, time.time())

    async def run(self, sink: Sink) -> None:
        """Ship until cancelled; what was not acknowledged then is shipped again."""
        parcels: asyncio.Queue[Parcel] = asyncio.Queue(maxsize=1)
        backoff = Backoff(self.settings.backoff_min, self.settings.backoff_max)
        delivery = Delivery(sink, backoff, self._dead, self, timeout=self.settings.timeout)
        try:
            async with asyncio.TaskGroup() as parts:
                parts.create_task(self._pack(parcels))
                parts.create_task(self._ship(parcels, delivery))
        finally:
            self._save()
            self._ended = True
            for outlet in self.outlets.values():
                outlet.close()
            await closed(sink)

    def tried(self, verdict: Verdict, seconds: float, waits: float | None) -> None:
        """Hear of a hand-over."""
        first = self.standing.tried(verdict, seconds, time.time())
        if first and isinstance(verdict, Again):
            self._trouble("sink_failing", f"{self.name}: {verdict.why}; it is tried again without end")

    async def _pack(self, parcels: asyncio.Queue[Parcel]) -> None:
        while True:
            await parcels.put(await self._filled())

    async def _filled(self) -> Parcel:
        """The next parcel: full, or old enough."""
        parcel, deadline = Parcel(), None
        while parcel.bytes < self._parcel_bytes:
            if not self._ready:
                if not await self._woken(deadline):
                    return parcel
                continue
            id = self._ready.popleft()
            self._queued.discard(id)
            chunk = self._step(id)
            if chunk is not None:
                parcel.add(chunk)
                deadline = deadline or self._loop.time() + self.settings.batch_wait
            await asyncio.sleep(0)
            if deadline is not None and self._loop.time() >= deadline:
                return parcel
        return parcel

    async def _woken(self, deadline: float | None) -> bool:
        """Wait for news, at most until the deadline; whether there are any."""
        self._wake.clear()
        try:
            async with asyncio.timeout_at(deadline):
                await self._wake.wait()
        except TimeoutError:
            return False
        return True

    def _step(self, id: str) -> Chunk | None:
        outlet = self.outlets.get(id)
        if outlet is None:
            return None
        try:
            more, delay, chunk = outlet.step(self._cuts_of(id))
        except Exception as error:  # whatever one log does, the others are shipped
            text = str(error) if isinstance(error, OSError | DeckwatchError) else repr(error)
            self._trouble(
                "log_not_shipped", f"cannot ship the log of {id} to {self.name}: {text}; it is tried again"
            )
            return None
        if chunk is not None and not chunk.batch.records and outlet.outstanding == 1:
            # Nothing to hand over, and nothing before it under way.
            self._confirm(id, [chunk], {})
            self._save_soon()
            chunk = None
        if delay:
            self._loop.call_later(delay, self.news, id)
        elif more:
            self.news(id)
        elif outlet.waiting:
            if not self._soon:
                self._loop.call_later(SOON, self._look_again)
            self._soon.add(id)
        elif outlet.left and not outlet.outstanding and chunk is None:
            chunk = outlet.last()
            if chunk is None:
                self._let_go(id, outlet)
        return chunk

    def _look_again(self) -> None:
        ids, self._soon = self._soon, set()
        for id in ids:
            self.news(id)

    def _let_go(self, id: str, outlet: Outlet) -> None:
        outlet.close()
        del self.outlets[id]
        self.changed.discard(id)
        self._on_let_go(id)

    async def _ship(self, parcels: asyncio.Queue[Parcel], delivery: Delivery) -> None:
        while True:
            parcel = await parcels.get()
            self.standing.pending = parcel.records
            lost = await delivery.deliver(parcel.batches)
            self.standing.pending = 0
            self._keep(parcel, lost)

    def _keep(self, parcel: Parcel, lost: Mapping[tuple[str, str], int]) -> None:
        """Move the places behind a delivered parcel; on disk when it returns."""
        chunks: dict[str, list[Chunk]] = {}
        for chunk in parcel.chunks:
            chunks.setdefault(chunk.batch.target.id, []).append(chunk)
        for id, some in chunks.items():
            self._confirm(id, some, {reason: count for (whose, reason), count in lost.items() if whose == id})
        self.standing.delivered(parcel.records - sum(lost.values()), parcel.bytes, lost)
        self._save()

    def _confirm(self, id: str, chunks: Sequence[Chunk], lost: dict[str, int]) -> None:
        outlet = self.outlets.get(id)
        if outlet is None:
            return
        for chunk in chunks:
            if ROTATED_AWAY in chunk.dropped:
                self._count_loss(id, chunk.dropped)
        self._unsaved[id] = outlet.confirm(chunks, lost)
        self.changed.add(id)
        if outlet.left:
            self.news(id)

    def _count_loss(self, id: str, dropped: dict[str, int]) -> None:
        """A file went before it was read: where the spool had no room for it, it is known how many lines that were."""
        lines, _ = self._refused(id)
        accounts = self.outlets[id].stored.accounts
        known, accounts.refused = lines - accounts.refused, lines
        if known > 0:
            dropped[SPOOL_FULL] = known
            dropped[ROTATED_AWAY] -= 1
        for reason in (SPOOL_FULL, ROTATED_AWAY):
            if count := dropped.get(reason, 0):
                self.standing.drop(reason, count)

    def _save_soon(self) -> None:
        if not self._save_due:
            self._save_due = True
            self._loop.call_later(SAVE, self._save)

    def _save(self) -> None:
        self._save_due = False
        if not self._unsaved or self._ended:
            return
        try:
            self._store.save(self._unsaved.items(), time.time())
            self._unsaved.clear()
        except DeckwatchError as error:
            # The records are delivered: what comes after is too, and the next save takes these places along.
            self._trouble("sink_positions_not_saved", f"{self.name}: {error}")
