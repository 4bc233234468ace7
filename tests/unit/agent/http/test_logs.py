"""/api/v1/logs and its live streams."""

from __future__ import annotations

import json

import pytest

from tests.unit.agent.http.conftest import Client
from tests.unit.agent.http.fakes import FakeApi


async def test_records_are_json_lines(client: Client, api: FakeApi) -> None:
    api.logs.lines = ['{"message":"a"}', '{"message":"b"}']
    answer = await client.get("/api/v1/logs")
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    assert await answer.text() == '{"message":"a"}\n{"message":"b"}\n'
    query = api.logs.asked[0]
    assert (query.limit, query.direction, query.tail_per_container) == (1000, "backward", None)
    assert len(query.targets) == 3


async def test_the_question_is_passed_on(client: Client, api: FakeApi) -> None:
    path = (
        "/api/v1/logs?container=demo&since=1970-01-01T00:00:10Z&until=1970-01-01T00:00:20Z&grep=a.b"
        "&level=warn,error&stream=stderr&limit=7&direction=forward&previous=1"
    )
    assert (await client.get(path)).status == 200
    query = api.logs.asked[0]
    assert [target.container["name"] for target in query.targets] == ["demo-1", "demo-2"]
    assert (query.since, query.until, query.grep, query.level) == (10.0, 20.0, "a.b", "warn,error")
    assert (query.stream, query.limit, query.direction, query.previous) == ("stderr", 7, "forward", True)
    assert (await client.get("/api/v1/logs?tail=5&selector={name=web}")).status == 200
    query = api.logs.asked[1]
    assert (query.tail_per_container, query.limit, len(query.targets)) == (5, 100_000, 1)


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("grep=(", "is no RE2 pattern"),
        ("level=loud", "there are trace"),
        ("stream=stdin", "there are stdout"),
        ("limit=1000000", "up to 100000"),
        ("direction=up", "expected backward or forward"),
        ("since=then", "is no time"),
        ("lmit=1", "unknown parameter 'lmit'"),
    ],
)
async def test_wrong_questions_are_told(client: Client, question: str, words: str) -> None:
    answer = await client.get(f"/api/v1/logs?{question}")
    assert answer.status == 400
    assert words in (await answer.json())["message"]


async def test_a_refused_query_is_an_error_before_and_a_last_line_after_the_first_record(
    client: Client, api: FakeApi
) -> None:
    api.logs.lines = ["!busy"]
    assert (await client.get("/api/v1/logs")).status == 503
    api.logs.lines = ["!timeout"]
    answer = await client.get("/api/v1/logs")
    assert (answer.status, (await answer.json())["reason"]) == (422, "timeout")
    api.logs.lines = ["{}", "!timeout"]
    text = await (await client.get("/api/v1/logs")).text()
    assert json.loads(text.splitlines()[-1])["problem"]["reason"] == "timeout"


async def test_one_container_and_all_replicas(client: Client, api: FakeApi) -> None:
    await client.get("/api/v1/containers/web/logs?limit=3")
    await client.get("/api/v1/containers/demo/logs")
    assert [len(query.targets) for query in api.logs.asked] == [1, 2]
    assert (await client.get("/api/v1/containers/nobody/logs")).status == 404


async def test_live_streams_have_ids_and_resume(client: Client, api: FakeApi) -> None:
    api.logs.lines = ["{}", "[]"]
    answer = await client.get("/api/v1/containers/demo/logs?follow=1&tail=0", headers={"Last-Event-ID": "c7"})
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    assert await answer.text() == "retry: 2000\n\nid: c0\ndata: {}\n\nid: c1\ndata: []\n\n"
    assert api.logs.cursors == ["c7"]
    assert [api.logs.match(target) for target in api.logs.targets] == [False, True, True]


async def test_a_stream_takes_in_who_starts_later_by_selector(client: Client, api: FakeApi) -> None:
    await client.get("/api/v1/logs/stream?selector={engine=docker}")
    assert [api.logs.match(target) for target in api.logs.targets] == [True, False, False]
    await client.get("/api/v1/logs/stream?container=demo")
    assert [api.logs.match(target) for target in api.logs.targets] == [False, True, True]


async def test_logs_that_are_off(client: Client, api: FakeApi) -> None:
    api.logs = None
    answer = await client.get("/api/v1/logs")
    assert answer.status == 503
    assert "logs.enabled: true" in (await answer.json())["message"]
