"""Follows one storage of Podman: what to look at when one of its files changes, and what that means."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping

import structlog

from collectors.inventory.podman.ask import Asker
from collectors.inventory.podman.db import DatabaseUnreadable, PodmanDatabase
from collectors.inventory.podman.entry import Course, Look, course_of, entry_of, frozen, look_at
from collectors.inventory.podman.facts import Known
from collectors.inventory.storage.conmon import Exit, exit_in
from collectors.inventory.storage.lists import Stored, containers
from collectors.inventory.storage.runs import StorageRuns
from collectors.inventory.storage.watch import RESCAN, News, StorageWatch
from collectors.model import Entry, State
from runtime.linux.hierarchies import Hierarchies

log = structlog.get_logger()

UNREADABLE = "podman_database_unreadable"
# A command of Podman changes a dozen files within some 10 ms.
SETTLE = 0.01
ASK_AGAIN = 0.05
ASK_AGAIN_LIMIT = 5.0
DATABASE_EVERY = 0.5
# How long an end waits for its code, which was taken away before it could be read.
CODE_PATIENCE = 3.0
BATCH = 100
SLICE = 0.004
FIRST_PATIENCE = 3.0


class Follower:
    """Keeps what is known of a storage's containers true, as long as its storage can be read.

    `temporary` are the directories in which Podman may keep its exits; conmon tells of others.
    """

    def __init__(
        self,
        root: str,
        run: str,
        temporary: Iterable[str],
        socket: str,
        runs: StorageRuns,
        hierarchies: Hierarchies,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._root = root
        self._run = run
        self._runs = runs
        self._hierarchies = hierarchies
        exits = [f"{directory}/exits" for directory in temporary]
        self._watch = StorageWatch(root, run, exits, runs.noted, clock=clock)
        self._database = PodmanDatabase(root)
        self._asker = Asker(socket, self._told)
        self._stored: dict[str, Stored] = {}
        self._known: Mapping[str, Known] = {}
        self._unsettled: set[str] = set()
        self._codeless: dict[str, float] = {}
        self._changed: set[str] = set()
        self._database_due = True
        self._database_read = float("-inf")
        self._unreadable = ""

    async def follow(self, answered: Callable[[int], None]) -> None:
        """Follow until cancelled; raises StorageUnreadable. `answered` gets the number of containers, once."""
        with self._watch:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._asker.run())
                self._watch.tops()
                if self._asker.there and not self._database.there:
                    # How earlier runs ended is to be known when they are first told of.
                    await self._asker.ask(FIRST_PATIENCE)
                await self._look_at_all()
                self._runs.settle(self._stored.keys())
                answered(len(self._stored))
                await self._go_on()

    async def _go_on(self) -> None:
        patience = ASK_AGAIN
        while True:
            news = await self._watch.news(self._limit(patience))
            await asyncio.sleep(SETTLE)
            patience = ASK_AGAIN if news.any else min(2 * patience, ASK_AGAIN_LIMIT)
            if news.all:
                self._watch.tops()
                await self._look_at_all()
            else:
                await self._look_at(news)

    def _limit(self, patience: float) -> float:
        if self._database_due:
            return DATABASE_EVERY
        return patience if self._unsettled else RESCAN

    async def _look_at_all(self) -> None:
        await self._read_list()
        await self._read_database()
        await self._look(self._stored)

    async def _look_at(self, news: News) -> None:
        touched = self._unsettled | self._changed | news.ids
        self._changed = set()
        self._database_due |= news.database
        if news.listing:
            self._watch.tops()
            touched |= await self._read_list()
        if self._database_due and time.monotonic() - self._database_read >= DATABASE_EVERY:
            touched |= await self._read_database()
            touched |= await asyncio.to_thread(self._thawed_or_frozen, self._live())
        await self._look(touched)

    async def _read_list(self) -> set[str]:
        """Read which containers there are; the ids of those that are new or named otherwise."""
        listed = await asyncio.to_thread(containers, self._root, self._run)
        before, self._stored = self._stored, {one.id: one for one in listed if _is_podmans(one)}
        for id in before.keys() - self._stored.keys():
            self._forget(before[id])
        self._runs.keep(self._stored.keys())
        return {id for id, one in self._stored.items() if before.get(id) != one}

    async def _read_database(self) -> set[str]:
        """Read Podman's own word; the ids of those it has changed for."""
        self._database_due = False
        self._database_read = time.monotonic()
        if not self._database.there:
            return set()
        before = self._known
        try:
            self._known = await asyncio.to_thread(self._database.read)
        except DatabaseUnreadable as error:
            if str(error) != self._unreadable:
                log.warning(UNREADABLE, reason=str(error))
            self._unreadable = str(error)
        return {id for id, known in self._known.items() if before.get(id) != known}

    async def _look(self, ids: Iterable[str]) -> None:
        wanted = [self._stored[id] for id in ids if id in self._stored]
        # In batches, and in slices of the loop's time: a storage may hold thousands.
        for begin in range(0, len(wanted), BATCH):
            batch = wanted[begin : begin + BATCH]
            for one in batch:
                self._watch.container(one)
            looks = await asyncio.to_thread(self._looks, batch, self._watch.exits)
            slice_end = time.perf_counter() + SLICE
            for look, end in looks:
                self._take(look, end)
                if time.perf_counter() > slice_end:
                    await asyncio.sleep(0)
                    slice_end = time.perf_counter() + SLICE
        self._ask()

    def _looks(self, stored: list[Stored], exits: frozenset[str]) -> list[tuple[Look, Exit | None]]:
        looks = [look_at(one, self._hierarchies) for one in stored]
        return [(look, None if look.run.process else _left_behind(exits, look)) for look in looks]

    def _take(self, look: Look, left_behind: Exit | None) -> None:
        id = look.stored.id
        if id not in self._stored:
            return
        if look.run.monitor is not None and look.run.monitor.exits:
            self._watch.exits_in(look.run.monitor.exits)
        noted = self._runs.end_of(id)
        if left_behind is not None and (noted is None or noted.time < left_behind.time):
            self._runs.noted(id, left_behind)
        known, last = self._known.get(id), self._runs.entries().get(id)
        course = course_of(look, known, self._runs.end_of(id), last)
        if course is None or (last is not None and self._waits_for_code(last, course)):
            self._unsettled.add(id)
            if last is not None or look.run.pidfile:
                return
        else:
            self._unsettled.discard(id)
            self._codeless.pop(id, None)
        self._runs.learn(entry_of(look, course or Course(State.CREATED), known, last))

    def _waits_for_code(self, last: Entry, course: Course) -> bool:
        """Whether an end is not to be told yet, since Podman's service may know its code."""
        if course.state is not State.EXITED or course.code is not None or course.failed:
            return False
        if not self._asker.there or last.container.state is State.EXITED:
            return False
        id = last.container.engine_id
        now = time.monotonic()
        return now < self._codeless.setdefault(id, now + CODE_PATIENCE)

    def _ask(self) -> None:
        """Let the service tell what is not known, where the database cannot."""
        if not self._database.there:
            self._asker.want((self._stored.keys() - self._known.keys()) | self._codeless.keys())

    def _told(self, known: Mapping[str, Known]) -> None:
        if known:
            self._changed |= {id for id, one in known.items() if self._known.get(id) != one}
            self._known = known
        self._watch.wake()

    def _live(self) -> dict[str, tuple[str, bool]]:
        """Cgroup of each container that runs, and whether it is known as paused."""
        return {
            id: (entry.container.id, entry.container.state is State.PAUSED)
            for id, entry in self._runs.entries().items()
            if entry.pid
        }

    def _thawed_or_frozen(self, live: Mapping[str, tuple[str, bool]]) -> set[str]:
        return {id for id, (path, paused) in live.items() if frozen(self._hierarchies, path) is not paused}

    def _forget(self, stored: Stored) -> None:
        self._watch.forget(stored)
        self._unsettled.discard(stored.id)
        self._codeless.pop(stored.id, None)


def _is_podmans(stored: Stored) -> bool:
    """CRI-O's containers have a pod beside them, Buildah's nothing at all."""
    return bool(stored.metadata.name) and not stored.metadata.pod_id


def _left_behind(exits: Iterable[str], look: Look) -> Exit | None:
    """An end of the present run that conmon noted and Podman has not taken away."""
    found = (exit_in(directory, look.stored.id) for directory in exits)
    began = look.run.began
    return next((end for end in found if end and began is not None and end.time >= began), None)
