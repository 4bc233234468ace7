"""All sinks of the log worker: opened, fed, watched over, closed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence

import msgspec

from agent.shipping.backoff import Backoff
from agent.shipping.keeper import Keeper
from agent.shipping.outlet import Stored
from agent.shipping.plan import Plan
from agent.shipping.registry import SINKS, Kind
from agent.shipping.report import Report, Shipped, SinkReport
from agent.shipping.shipper import Shipper
from agent.shipping.sink import Context, SinkSettings
from collectors.logs.assemble import Cut
from collectors.logs.chain import Look
from collectors.logs.files import Place
from collectors.logs.journal.choice import AnyTail
from collectors.logs.positions import Positions
from collectors.logs.record import LogTarget
from collectors.logs.siblings import Sibling
from collectors.logs.spool import Spool
from collectors.logs.start import Start
from runtime.linux.errors import DeckwatchError

LOOK = 1.0
RELEASE = 10.0
FORGET = 86400.0
MEMORY = 24 << 20
"""Bytes of messages that all sinks together may hold, on their way."""
_HELD_BY_EACH = 3  # being packed, packed, being sent


class Shippers:
    """The sinks of a plan. `tails` are the readers that are always up to date, by container."""

    def __init__(
        self,
        plan: Plan,
        *,
        state: str,
        scratch: str,
        tails: Mapping[str, AnyTail],
        starts: Callable[[LogTarget], Start],
        trouble: Callable[[str, str], None],
        kinds: Mapping[str, Kind] = SINKS,
    ) -> None:
        self._plan = plan
        self._tails = tails
        self._trouble = trouble
        self._kinds = kinds
        self._state = os.path.join(state, "sinks")
        self._targets: dict[str, LogTarget] = {}
        self._spool = Spool(plan.spool or os.path.join(state, "spool"), plan.spool_bytes)
        self._keeper = Keeper(self._spool, self._places, trouble)
        self._stores: list[Positions[Stored]] = []
        self._shippers: dict[str, tuple[Kind, Shipper]] = {}
        os.makedirs(self._state, mode=0o700, exist_ok=True)
        for type, values in plan.sinks:
            kind = kinds[type]
            settings = msgspec.convert(values, kind.settings)
            name = settings.name or type
            self._shippers[name] = (kind, self._shipper(name, settings, scratch, starts))
        for target in self._spool.targets():
            self.follow(target)
            self.leave(target.id)

    async def run(self) -> None:
        """Ship until cancelled."""
        try:
            async with asyncio.TaskGroup() as parts:
                for kind, shipper in self._shippers.values():
                    parts.create_task(self._keep_open(kind, shipper))
                if self._shippers:
                    parts.create_task(self._watch())
        finally:
            self._keeper.close()
            for store in self._stores:
                store.close()

    def follow(self, target: LogTarget) -> None:
        """Ship a container's output to its sinks from now on, or take what is new about it."""
        self._targets[target.id] = target
        for name, (_, shipper) in self._shippers.items():
            if name in target.sinks:
                shipper.follow(target)
            else:
                shipper.leave(target.id)
        if (tail := self._tails.get(target.id)) is not None:
            tail.turned = lambda fd, end: self._turned(target.id, fd, end)
            tail.lost = lambda: self._keeper.lost(target)

    def leave(self, id: str) -> None:
        """The container is gone; to be called before its tail is closed."""
        target = self._targets.get(id)
        if target is None:
            return
        tail = self._tails.get(id)
        self._keeper.gone(target, tail.reading if tail else None)
        for _, shipper in self._shippers.values():
            shipper.leave(id)

    def news(self, id: str) -> None:
        """Something may have happened in a container's log."""
        for _, shipper in self._shippers.values():
            shipper.news(id)

    def report(self) -> Report:
        """How each sink does, and what became of the containers that changed since the last report."""
        now = time.time()
        sinks = [self._sink_report(shipper, now) for _, shipper in self._shippers.values()]
        shipped: list[Shipped] = []
        for name, (_, shipper) in self._shippers.items():
            changed, shipper.changed = shipper.changed, set()
            for id in changed:
                if outlet := shipper.outlets.get(id):
                    accounts = outlet.stored.accounts
                    shipped.append(
                        Shipped(id, name, accounts.records, accounts.bytes, accounts.dropped, outlet.lag(now))
                    )
        return Report(sinks, shipped)

    def _sink_report(self, shipper: Shipper, now: float) -> SinkReport:
        standing = shipper.standing
        lags = [outlet.lag(now) for outlet in shipper.outlets.values()]
        return SinkReport(
            shipper.name, standing.records, standing.bytes, dict(standing.dropped), dict(standing.sends),
            standing.seconds, standing.pending, standing.failing_since, standing.why, max(lags, default=0.0),
            self._spool.used,
        )  # fmt: skip

    def _shipper(
        self, name: str, settings: SinkSettings, scratch: str, starts: Callable[[LogTarget], Start]
    ) -> Shipper:
        store = Positions(os.path.join(self._state, f"{name}.db"), Stored)
        if store.moved_aside:
            self._trouble("sink_positions_broken", f"moved aside to {store.moved_aside}; begun anew")
        self._stores.append(store)
        most = MEMORY // (_HELD_BY_EACH * max(1, len(self._plan.sinks)))
        return Shipper(
            name, settings, store, scratch=scratch, state=self._state, starts=starts, look=self._look,
            cuts_of=self._cuts_of, trouble=self._trouble, let_go=self._let_go,
            refused=lambda id: self._spool.refused.get(id, (0, 0)), most=most,
        )  # fmt: skip

    async def _keep_open(self, kind: Kind, shipper: Shipper) -> None:
        """Open a sink, however often it takes, and ship to it."""
        backoff = Backoff(shipper.settings.backoff_min, shipper.settings.backoff_max)
        state = os.path.join(self._state, shipper.name)
        context = Context(self._plan.node, self._plan.external_labels, state, self._plan.version)
        while True:
            try:
                sink = await kind.opened(shipper.settings, context)
                break
            except (DeckwatchError, OSError) as error:
                self._trouble("sink_not_opened", f"{shipper.name}: {error}")
                await asyncio.sleep(backoff.wait())
        await shipper.run(sink)

    async def _watch(self) -> None:
        release = forget = 0.0
        while True:
            await asyncio.sleep(LOOK)
            now = time.monotonic()
            if now >= forget:
                forget = now + FORGET
                self._forget()
            try:
                self._keeper.look(now, self._reading)
                if now >= release:
                    release = now + RELEASE
                    self._keeper.release(list(self._targets.values()))
                    self._unpin()
            except OSError as error:
                self._trouble("spool_failing", str(error))

    def _forget(self) -> None:
        for _, shipper in self._shippers.values():
            try:
                shipper.forget()
            except sqlite3.Error as error:
                self._trouble("sink_positions_not_saved", f"{shipper.name}: {error}")

    def _unpin(self) -> None:
        """Have sinks that do not get on let go of removed files, as far as the spool has what they need of them."""
        for _, shipper in self._shippers.values():
            if shipper.standing.failing_since is None:
                continue
            for id, outlet in shipper.outlets.items():
                if self._spool.holds(id) and id not in self._spool.refused:
                    outlet.unpin()

    def _turned(self, id: str, fd: int, end: Place) -> None:
        if target := self._targets.get(id):
            self._keeper.turned(target, fd, end, time.monotonic())

    def _reading(self, id: str) -> tuple[LogTarget, int, Place] | None:
        tail = self._tails.get(id)
        reading = tail.reading if tail else None
        return (self._targets[id], *reading) if reading and id in self._targets else None

    def _look(self, id: str) -> Look:
        """How a sink lists a container's files: with the copies of those that are gone, made before it looks."""

        def look(path: str, *, whole: bool = False) -> list[Sibling]:
            tail = self._tails.get(id)
            if tail is not None and not tail.target.finished:
                tail.begin()  # it tells what was gone when the worker began
            self._keeper.secure(id, self._reading)
            return self._spool.chain(id, path, whole=whole)

        return look

    def _places(self, id: str) -> Sequence[Place | None]:
        return [shipper.place_of(id) for _, shipper in self._shippers.values() if id in shipper.outlets]

    def _cuts_of(self, id: str) -> Sequence[Cut]:
        tail = self._tails.get(id)
        return tail.boundaries if tail else ()

    def _let_go(self, id: str) -> None:
        """A sink has all of a container that is gone; when the last one has, nothing of it is kept."""
        if any(id in shipper.outlets for _, shipper in self._shippers.values()):
            return
        self._targets.pop(id, None)
        with contextlib.suppress(OSError):
            self._spool.forget(id)
