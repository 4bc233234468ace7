"""/api/v1/events and its live stream."""

from __future__ import annotations

import asyncio
import json

from collectors.model import EventType
from tests.unit.agent.http.conftest import Client
from tests.unit.agent.http.fakes import DEMO, WEB, FakeApi


async def test_events_that_are_kept(client: Client, api: FakeApi) -> None:
    api.events.emit(EventType.START, WEB, time=100.0)
    api.events.emit(EventType.EXIT, DEMO[0], time=200.0, exit_code=3)
    body = await (await client.get("/api/v1/events")).json()
    assert [(one["type"], one["container"]["name"]) for one in body] == [("start", "web"), ("exit", "demo-1")]
    assert body[1]["time"] == "1970-01-01T00:03:20.000000Z"
    assert body[1]["exit_code"] == 3
    body = await (await client.get("/api/v1/events?since=1970-01-01T00:02:30Z")).json()
    assert [one["type"] for one in body] == ["exit"]
    body = await (await client.get("/api/v1/events?selector={workload=demo}&limit=1")).json()
    assert [one["container"]["name"] for one in body] == ["demo-1"]


async def frames(answer: object, count: int) -> list[dict[str, str]]:
    """The next frames of a stream, each as its fields."""
    found: list[dict[str, str]] = []
    async with asyncio.timeout(10):
        while len(found) < count:
            fields: dict[str, str] = {}
            while (line := (await answer.content.readline()).decode().rstrip("\n")) != "":  # type: ignore[attr-defined]
                name, _, value = line.partition(": ")
                fields[name] = value
            if "data" in fields:
                found.append(fields)
    return found


async def test_the_stream_resumes_after_an_id_and_goes_on_live(client: Client, api: FakeApi) -> None:
    api.events.emit(EventType.START, WEB, time=100.0)
    first = api.events.last_id
    api.events.emit(EventType.OOM_KILL, WEB, time=200.0)
    answer = await client.get("/api/v1/events/stream", headers={"Last-Event-ID": str(first)})
    kept = await frames(answer, 1)
    assert [(one["event"], int(one["id"])) for one in kept] == [("oom_kill", first + 1)]
    api.events.emit(EventType.EXIT, WEB, time=300.0)
    live = await frames(answer, 1)
    assert json.loads(live[0]["data"])["type"] == "exit"
    answer.close()


async def test_the_stream_begins_at_a_time(client: Client, api: FakeApi) -> None:
    api.events.emit(EventType.START, WEB, time=100.0)
    api.events.emit(EventType.START, DEMO[0], time=200.0)
    answer = await client.get("/api/v1/events/stream?since=1970-01-01T00:00:10Z&selector={name=web}")
    api.events.emit(EventType.EXIT, WEB, time=300.0)
    assert [one["event"] for one in await frames(answer, 2)] == ["start", "exit"]
    answer.close()


async def test_wrong_ids_are_told(client: Client) -> None:
    assert (await client.get("/api/v1/events/stream?after=x")).status == 400
