"""Events are numbered for ever, survive the agent, and reach every subscriber in order."""

from __future__ import annotations

import asyncio
import os
import pathlib
import signal
import subprocess
import sys

import pytest

from agent.events import EventLog, Lagged, Subscription, to_json
from collectors.model import Container, Event, EventType, Reason

WEB = Container(id="/docker/1", name="web", engine="docker", engine_id="1", image="nginx", run=3)


def emit(events: EventLog, time: float, type: EventType = EventType.START) -> Event:
    events.emit(type, WEB, time=time)
    return events.recent(limit=1)[0]


async def take(subscription: Subscription, count: int) -> list[int]:
    async with asyncio.timeout(5):
        return [(await anext(subscription)).id for _ in range(count)]


def test_events_are_numbered_and_come_back_after_a_restart(tmp_path: pathlib.Path) -> None:
    path = str(tmp_path / "events.db")
    events = EventLog(path)
    assert [emit(events, time).id for time in (1.0, 2.0, 3.0)] == [1, 2, 3]
    events.close()
    again = EventLog(path)
    assert [(event.id, event.time) for event in again.recent()] == [(1, 1.0), (2, 2.0), (3, 3.0)]
    assert emit(again, 4.0).id == 4
    again.close()


def test_recent_gives_the_newest_that_match_the_oldest_first(tmp_path: pathlib.Path) -> None:
    events = EventLog(str(tmp_path / "events.db"))
    for time in range(10):
        emit(events, time, EventType.EXIT if time % 2 else EventType.START)
    assert [event.time for event in events.recent(limit=3)] == [7, 8, 9]
    assert [event.time for event in events.recent(since=8)] == [8, 9]
    exits = events.recent(limit=2, match=lambda event: event.type == EventType.EXIT)
    assert [event.time for event in exits] == [7, 9]
    events.close()


def test_the_ring_is_bounded_in_memory_and_on_disk(tmp_path: pathlib.Path) -> None:
    path = str(tmp_path / "events.db")
    events = EventLog(path, max_events=5)
    for time in range(10):
        emit(events, time)
    assert [event.id for event in events.recent()] == [6, 7, 8, 9, 10]
    events.close()
    wide = EventLog(path, max_events=100)
    assert [event.id for event in wide.recent()] == [6, 7, 8, 9, 10]
    wide.close()


def test_json_is_the_documented_schema(tmp_path: pathlib.Path) -> None:
    events = EventLog(str(tmp_path / "events.db"))
    events.emit(
        EventType.EXIT, WEB, time=1795486577.25, exit_code=137, signal=9, reason=Reason.OOM, observed="late"
    )
    assert to_json(events.recent()[0]) == {
        "id": 1,
        "time": "2026-11-24T02:16:17.250000Z",
        "type": "exit",
        "container": {
            "id": "/docker/1", "engine_id": "1", "name": "web", "image": "nginx", "engine": "docker",
        },
        "run": 3,
        "exit_code": 137,
        "signal": 9,
        "reason": "oom",
        "observed": "late",
    }  # fmt: skip
    assert "exit_code" not in to_json(emit(events, 1.0))
    events.close()


def test_a_name_that_is_not_unicode_is_stored_readable(tmp_path: pathlib.Path) -> None:
    path = str(tmp_path / "events.db")
    events = EventLog(path)
    events.emit(EventType.START, Container(id="/x", name="a\udcff", engine="docker"), time=1.0)
    events.close()
    again = EventLog(path)
    assert again.recent()[0].container["name"] == "a\ufffd"
    again.close()


async def test_subscribers_get_every_event_from_where_they_ask(tmp_path: pathlib.Path) -> None:
    events = EventLog(str(tmp_path / "events.db"))
    for time in range(3):
        emit(events, time)
    live, resumed, beyond = events.subscribe(), events.subscribe(1), events.subscribe(999)
    async with asyncio.TaskGroup() as group:
        got_live = group.create_task(take(live, 2))
        got_resumed = group.create_task(take(resumed, 4))
        got_beyond = group.create_task(take(beyond, 2))
        await asyncio.sleep(0)
        emit(events, 3)
        await asyncio.sleep(0)
        emit(events, 4)
    assert got_live.result() == got_beyond.result() == [4, 5]
    assert got_resumed.result() == [2, 3, 4, 5]
    events.close()


async def test_a_wait_that_was_cancelled_loses_nothing(tmp_path: pathlib.Path) -> None:
    events = EventLog(str(tmp_path / "events.db"))
    subscription = events.subscribe()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(anext(subscription), 0.01)
    emit(events, 1.0)
    assert await take(subscription, 1) == [1]
    events.close()


async def test_a_reader_slower_than_the_ring_is_told_and_may_go_on(tmp_path: pathlib.Path) -> None:
    events = EventLog(str(tmp_path / "events.db"), max_events=5)
    subscription = events.subscribe()
    for time in range(12):
        emit(events, time)
    with pytest.raises(Lagged, match="7 events after number 0 are gone") as caught:
        await take(subscription, 1)
    assert caught.value.missed == 7
    assert await take(subscription, 5) == [8, 9, 10, 11, 12]
    events.close()


async def test_closing_ends_subscriptions(tmp_path: pathlib.Path) -> None:
    events = EventLog(str(tmp_path / "events.db"))
    subscription = events.subscribe()
    emit(events, 1.0)
    async with asyncio.TaskGroup() as group, asyncio.timeout(5):
        reading = group.create_task(_all(subscription))
        await asyncio.sleep(0)
        events.close()
    assert reading.result() == [1]


async def _all(subscription: Subscription) -> list[int]:
    return [event.id async for event in subscription]


def test_each_event_is_told_to_the_listener(tmp_path: pathlib.Path) -> None:
    told: list[int] = []
    events = EventLog(str(tmp_path / "events.db"), on_event=lambda event: told.append(event.id))
    emit(events, 1.0)
    emit(events, 2.0)
    assert told == [1, 2]
    events.close()


def test_a_damaged_ring_is_renewed_with_numbers_that_go_on_rising(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "events.db"
    events = EventLog(str(path))
    emit(events, 1.0)
    events.close()
    path.write_bytes(b"garbage" * 1000)
    renewed = EventLog(str(path), clock=lambda: 1_800_000_000.0)
    assert renewed.recent() == []
    assert emit(renewed, 2.0).id == 1_800_000_001
    renewed.close()


KILLED = """
import os, sys, time
from agent.events import EventLog
from collectors.model import Container, EventType
events = EventLog(sys.argv[1])
web = Container(id="/x", name="web", engine="docker")
events.emit(EventType.START, web, time=1.0)
end = time.monotonic() + 1.0
while time.monotonic() < end:
    time.sleep(0.05)
events.emit(EventType.EXIT, web, time=2.0)
print(events.last_id, flush=True)
time.sleep(60)
"""


def test_a_kill_costs_at_most_the_last_moment_and_no_number_twice(tmp_path: pathlib.Path) -> None:
    path = str(tmp_path / "events.db")
    with subprocess.Popen([sys.executable, "-c", KILLED, path], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        told = int(child.stdout.readline())
        os.kill(child.pid, signal.SIGKILL)
    events = EventLog(path)
    assert events.recent()[0].time == 1.0
    assert emit(events, 3.0).id > told
    events.close()
