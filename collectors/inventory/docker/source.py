"""Docker's containers, from its socket: one list, one inspection each, then its events."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import structlog

from collectors.inventory.base import Backoff, Board
from collectors.inventory.docker.api import (
    AnswerTooLarge,
    DockerApi,
    DockerEvent,
    EngineAway,
    Inspect,
    NotDocker,
    Summary,
)
from collectors.inventory.docker.entry import ENGINE, Process, entry_of_summary, process_of, state_of
from collectors.inventory.docker.runs import DockerRuns
from runtime.linux.errors import DeckwatchError
from runtime.linux.hierarchies import Hierarchies

log = structlog.get_logger()

CONNECTED = "docker_connected"
AWAY = "docker_away"
NO_ANSWER = "docker_inspect_failed"

INSPECTIONS = 8
FOREIGN_PAUSE = 300.0
EVENT_BACKLOG = 20_000
PING_EVERY = 15.0
PINGS_PER_LIST = 20
# An event may become visible a little later than its own time says.
OVERLAP_NS = 10**9
REMEMBERED_EVENTS = 4096

T = TypeVar("T")


class DockerSource:
    """Keeps the board true to one Docker engine, which may be absent, stop, and come back.

    `clock` gives nanoseconds since the epoch, as the engine's events count.
    """

    name = ENGINE

    def __init__(
        self, socket: str, hierarchies: Hierarchies, *, clock: Callable[[], int] = time.time_ns
    ) -> None:
        self._socket = socket
        self._hierarchies = hierarchies
        self._clock = clock
        self._runs: DockerRuns | None = None
        self._position = Position()
        self._backoff = Backoff()
        self._away = False
        self._met = False
        self._foreign = False

    async def run(self, board: Board) -> None:
        """Connect, follow, and connect again, until cancelled."""
        self._runs = self._runs or DockerRuns(board)
        while True:
            reason = await self._until_away(self._runs)
            board.unavailable(ENGINE, reason)
            if not self._away:
                # On a host without Docker its absence is nothing to warn of.
                tell = log.warning if self._met or os.path.exists(self._socket) else log.debug
                tell(AWAY, socket=self._socket, reason=reason)
            self._away = True
            # Each question would wake a service that ends by itself.
            await asyncio.sleep(FOREIGN_PAUSE if self._foreign else self._backoff.seconds())

    async def _until_away(self, runs: DockerRuns) -> str:
        """One connection from its beginning to its end; answers why it ended."""
        reason, self._foreign = "", False
        try:
            async with DockerApi(self._socket) as api:
                await Connection(api, runs, self._hierarchies, self._position, self._clock).follow(
                    self._answered
                )
        except* DeckwatchError as group:
            reason = str(_first(group))
            self._foreign = isinstance(_first(group), NotDocker)
        return reason

    def _answered(self, containers: int) -> None:
        self._backoff.reset()
        self._away = False
        self._met = True
        log.info(CONNECTED, socket=self._socket, containers=containers)


class Position:
    """How far the event stream was read, over all connections; tells events seen before from new ones."""

    def __init__(self) -> None:
        self.last_ns: int | None = None
        self._seen: dict[tuple[int, str, str], None] = {}

    def __len__(self) -> int:
        """How many events are remembered: those of the time that the next connection asks for once more."""
        return len(self._seen)

    def advance(self, event: DockerEvent) -> bool:
        """Whether an event is new; moves on to it."""
        key = (event.time_ns, event.container_id, event.action)
        if key in self._seen:
            return False
        self._seen[key] = None
        self.last_ns = max(self.last_ns or 0, event.time_ns)
        self._forget(self.last_ns - OVERLAP_NS)
        return True

    def _forget(self, horizon_ns: int) -> None:
        """Let go of events from before a time, which no connection asks for again, and of more than can be kept."""
        while self._seen:
            oldest = next(iter(self._seen))
            if oldest[0] >= horizon_ns and len(self._seen) <= REMEMBERED_EVENTS:
                break
            del self._seen[oldest]


class Lanes(Generic[T]):
    """Work in order for each key, side by side over keys: one stuck container delays no other."""

    def __init__(self, tasks: asyncio.TaskGroup, work: Callable[[str, T], Awaitable[None]]) -> None:
        self._tasks = tasks
        self._work = work
        self._lanes: dict[str, deque[T]] = {}

    def add(self, key: str, item: T) -> None:
        """Put an item at the end of its key's lane."""
        if key in self._lanes:
            self._lanes[key].append(item)
        else:
            self._lanes[key] = deque([item])
            self._tasks.create_task(self._drain(key))

    async def _drain(self, key: str) -> None:
        lane = self._lanes[key]
        try:
            while lane:
                await self._work(key, lane.popleft())
        finally:
            del self._lanes[key]


class Connection:
    """One connection to the engine: first what was missed, then the list, then events as they come."""

    def __init__(
        self,
        api: DockerApi,
        runs: DockerRuns,
        hierarchies: Hierarchies,
        position: Position,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._api = api
        self._runs = runs
        self._hierarchies = hierarchies
        self._position = position
        self._clock = clock
        self._events: asyncio.Queue[DockerEvent] = asyncio.Queue(EVENT_BACKLOG)
        self._slots = asyncio.Semaphore(INSPECTIONS)
        self._unanswered: set[str] = set()

    async def follow(self, answered: Callable[[int], None]) -> None:
        """Follow the engine until it goes away (EngineAway); `answered` gets the number it lists."""
        now = self._clock()
        await self._replay(now)
        async with asyncio.TaskGroup() as tasks:
            lanes: Lanes[DockerEvent | None] = Lanes(tasks, self._handle)
            # The stream begins before the list is asked for, so that nothing falls between them.
            tasks.create_task(self._read(now))
            answered(await self._resync())
            tasks.create_task(self._check(lanes))
            while True:
                event = await self._events.get()
                if self._position.advance(event):
                    lanes.add(event.container_id, event)

    async def _replay(self, until_ns: int) -> None:
        """Events since the last one of the connection before, which tell how runs ended meanwhile."""
        if self._position.last_ns is None:
            self._position.last_ns = until_ns
            return
        since = self._position.last_ns - OVERLAP_NS
        async with contextlib.aclosing(self._api.events(since, until_ns)) as events:
            missed = [event async for event in events if self._position.advance(event)]
        for event in missed:
            await self._handle(event.container_id, event)

    async def _read(self, since_ns: int) -> None:
        async with contextlib.aclosing(self._api.events(since_ns)) as events:
            async for event in events:
                try:
                    self._events.put_nowait(event)
                except asyncio.QueueFull:
                    raise EngineAway(f"more than {EVENT_BACKLOG} events wait; listing anew") from None
        raise EngineAway("the engine ended its event stream; start the engine")

    async def _resync(self) -> int:
        listed = await self._api.containers()
        async with asyncio.TaskGroup() as tasks:
            for summary in listed:
                tasks.create_task(self._look(summary))
        self._runs.settle({summary.id for summary in listed})
        return len(listed)

    async def _look(self, summary: Summary) -> None:
        told = await self._ask(summary.id)
        if told is not None:
            self._runs.learn(*told)
        else:
            self._runs.presume(entry_of_summary(summary))

    async def _check(self, lanes: Lanes[DockerEvent | None]) -> None:
        """Notice an engine that hangs, and now and then a container whose event never came."""
        while True:
            for _ in range(PINGS_PER_LIST):
                await asyncio.sleep(PING_EVERY)
                await self._api.ping()
            listed = {summary.id: state_of(summary.state) for summary in await self._api.containers()}
            for engine_id, _ in listed.items() ^ self._runs.states().items():
                lanes.add(engine_id, None)

    async def _handle(self, engine_id: str, event: DockerEvent | None) -> None:
        """Take one event in; without one, look whether the container is as it was known."""
        if event is not None and not self._runs.apply(event):
            return
        told = await self._ask(engine_id)
        if told is not None:
            self._runs.learn(*told)
        elif event is None:
            self._runs.forget(engine_id)
        elif event.action == "start":
            self._runs.presume_started(event)

    async def _ask(self, engine_id: str) -> tuple[Inspect, Process] | None:
        """Inspect a container; None when it is gone or when the engine cannot tell in time."""
        async with self._slots:
            try:
                told = await self._api.inspect(engine_id)
                if told is None:
                    return None
                if not told.state.pid:
                    return told, Process()
                return told, await asyncio.to_thread(process_of, told, self._hierarchies)
            except (EngineAway, AnswerTooLarge) as error:
                # One container whose lock hangs must not hide the others; a dead engine shows on the stream.
                if engine_id not in self._unanswered:
                    log.warning(NO_ANSWER, engine_id=engine_id, reason=str(error))
                self._unanswered.add(engine_id)
                return None


def _first(group: BaseExceptionGroup[DeckwatchError]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
