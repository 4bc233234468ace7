"""The bus of lifecycle events: each is numbered, kept in a bounded ring that outlives the agent, and told to all."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec
import structlog

from agent.exposition.escaping import valid
from agent.store import Store
from agent.units import format_time
from collectors.model import Container, Event, EventType, Health, Reason, identity
from runtime.linux.errors import DeckwatchError

log = structlog.get_logger()

EVENTS_UNREADABLE = "stored_events_unreadable"

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS events (id INTEGER PRIMARY KEY, event BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value INTEGER NOT NULL)",
)
_SET_CEILING = "INSERT OR REPLACE INTO facts VALUES ('ceiling', ?)"
# Numbers set aside on disk: so many events may be lost by a kill before one number is given out twice.
_AHEAD = 10_000


class Lagged(DeckwatchError):
    """A subscriber was slower than the ring is long: `missed` events went before it read them."""

    def __init__(self, after: int, missed: int) -> None:
        super().__init__(
            f"reader of events too slow: {missed} events after number {after} are gone; subscribe again"
        )
        self.after = after
        self.missed = missed


def to_json(event: Event) -> dict[str, Any]:
    """An event as the API shows it: its time in RFC 3339, unknown values left out."""
    shown: dict[str, Any] = msgspec.to_builtins(event)
    shown["time"] = format_time(event.time)
    shown["observed"] = event.observed
    return shown


class EventLog:
    """All events of this host, the newest `max_events` of them kept.

    Used from the event loop's thread alone. An event is durable within a second and after `close`.
    Numbers rise by one, jump after a kill, and are never reused. `on_event` is called with each one.
    """

    def __init__(
        self,
        path: str,
        *,
        max_events: int = 10_000,
        on_event: Callable[[Event], None] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.max_events = max(1, max_events)
        self.closed = False
        self._on_event = on_event
        self._store = Store(path, _SCHEMA, most=2 * self.max_events + 2)
        self._ring: deque[Event] = deque(_stored(self._store, self.max_events), maxlen=self.max_events)
        self._evicted = self._ring[0].id - 1 if self._ring else 0
        self.last_id = self._first_number(clock) - 1
        self._arrival = asyncio.Event()

    def _first_number(self, clock: Callable[[], float]) -> int:
        ceilings = self._store.rows("SELECT value FROM facts WHERE name = 'ceiling'")
        # Numbers of a ring that was put aside are unknown: the time in seconds is beyond all of them.
        known = [int(clock())] if self._store.renewed else [value for (value,) in ceilings]
        last = max([*known, *(event.id for event in self._ring), 0])
        self._store.put_now(_SET_CEILING, (last + _AHEAD,))
        return last + 1

    @property
    def problem(self) -> str:
        """Why events are not stored at the moment; empty when they are."""
        return self._store.problem

    @property
    def lost(self) -> int:
        """Events and other rows that could never be stored."""
        return self._store.lost

    def append(self, event: Event) -> Event:
        """Number, keep and tell an event; its own `id` does not matter. Returns it with its number."""
        event = msgspec.structs.replace(event, id=self.last_id + 1)
        if len(self._ring) == self.max_events:
            self._evicted = self._ring[0].id
        self._ring.append(event)
        self.last_id = event.id
        self._store.put(event.id, "INSERT OR REPLACE INTO events VALUES (?, ?)", _row(event))
        self._store.put("ceiling", _SET_CEILING, (event.id + _AHEAD,))
        self._store.put("trim", "DELETE FROM events WHERE id <= ?", (self._evicted,))
        arrival, self._arrival = self._arrival, asyncio.Event()
        arrival.set()
        if self._on_event is not None:
            self._on_event(event)
        return event

    def emit(
        self,
        type: EventType,
        container: Container,
        *,
        time: float,
        exit_code: int | None = None,
        signal: int | None = None,
        reason: Reason | str | None = None,
        health: Health | None = None,
        process: dict[str, Any] | None = None,
        observed: str = "live",
    ) -> None:
        """Append what happened to a container in its run `container.run`."""
        self.append(
            Event(
                id=0,
                time=time,
                type=type,
                container={name: valid(value) for name, value in identity(container).items()},
                run=container.run,
                exit_code=exit_code,
                signal=signal,
                reason=None if reason is None else str(reason),
                process=process,
                health=None if health is None else str(health),
                observed=observed,
            )
        )

    def recent(
        self,
        since: float | None = None,
        limit: int = 1000,
        match: Callable[[Event], bool] | None = None,
    ) -> list[Event]:
        """The newest `limit` events from `since` on (seconds since the epoch) that match, the oldest first."""
        found: list[Event] = []
        for event in reversed(self._ring):
            if len(found) >= limit:
                break
            if (since is None or event.time >= since) and (match is None or match(event)):
                found.append(event)
        return found[::-1]

    def after(self, id: int) -> list[Event]:
        """Events with a greater number, the oldest first."""
        found: list[Event] = []
        for event in reversed(self._ring):
            if event.id <= id:
                break
            found.append(event)
        return found[::-1]

    def subscribe(self, after_id: int | None = None) -> Subscription:
        """Events from now on, or from behind the one numbered `after_id` as far as they are kept."""
        return Subscription(self, self.last_id if after_id is None else after_id)

    def close(self) -> None:
        """End all subscriptions and store what is not stored yet."""
        if self.closed:
            return
        self.closed = True
        self._arrival.set()
        self._store.put("ceiling", _SET_CEILING, (self.last_id,))
        self._store.close()


class Subscription:
    """An iterator over events as they come. It queues nothing: it remembers how far it has read the ring.

    A wait for the next event may be cancelled and begun again without loss. It ends when the log closes;
    when the ring has moved on past it, it raises Lagged.
    """

    def __init__(self, events: EventLog, after_id: int) -> None:
        self._events = events
        self._position = max(min(after_id, events.last_id), events._evicted)
        self._fetched: deque[Event] = deque()

    def __aiter__(self) -> Subscription:
        return self

    async def __anext__(self) -> Event:
        while not self._fetched:
            arrival = self._events._arrival
            self._fetch()
            if not self._fetched:
                if self._events.closed:
                    raise StopAsyncIteration
                await arrival.wait()
        return self._fetched.popleft()

    def _fetch(self) -> None:
        after, evicted = self._position, self._events._evicted
        if after < evicted:
            self._position = evicted
            raise Lagged(after, evicted - after)
        self._fetched.extend(self._events.after(after))
        self._position = self._events.last_id


def _row(event: Event) -> tuple[int, bytes]:
    return event.id, msgspec.json.encode(event)


def _stored(store: Store, most: int) -> list[Event]:
    rows = store.rows("SELECT event FROM events ORDER BY id DESC LIMIT ?", (most,))
    decoder = msgspec.json.Decoder(Event)
    events: list[Event] = []
    for (data,) in reversed(rows):
        try:
            events.append(decoder.decode(data))
        except (msgspec.DecodeError, msgspec.ValidationError):
            continue
    if len(events) < len(rows):
        log.warning(EVENTS_UNREADABLE, path=store.path, count=len(rows) - len(events))
    return events
