from __future__ import annotations

import json
from typing import Any

import pytest

from collectors.logs.entry import Entry
from collectors.logs.pipeline import Runs
from collectors.logs.record import LogTarget
from collectors.logs.render import Renderer
from collectors.logs.times import SECOND
from collectors.logs.uid import uid_of
from collectors.model import LogSource

CONTAINER = {"id": "/x", "name": "web", "engine": "docker", "labels": {"a": 'quo"te'}}


def target(**changes: Any) -> LogTarget:
    return LogTarget(id="/x", source=LogSource(path="/x.log", format="cri"), container=CONTAINER, **changes)


def entry(message: bytes = b"hello", time: int = 5 * SECOND, **changes: Any) -> Entry:
    return Entry(time, "stderr", message, b"key", 7, len(message) + 1, **changes)


def test_a_record_has_what_is_known_and_nothing_else() -> None:
    record = json.loads(Renderer(target(runs=[(1, 0.0)])).record(entry()))
    assert record == {
        "time": "1970-01-01T00:00:05.000000000Z",
        "stream": "stderr",
        "message": "hello",
        "run": 1,
        "container": CONTAINER,
        "uid": uid_of(b"key", 7),
    }


def test_level_fields_and_trace_come_from_an_object() -> None:
    message = b'{"level":"warn","msg":"m","trace_id":"4bf92f3577b34da6"}'
    record = json.loads(Renderer(target()).record(entry(message)))
    assert record["level"] == "warn"
    assert record["fields"]["msg"] == "m"
    assert record["trace_id"] == "4bf92f3577b34da6"
    assert record["message"].encode() == message
    assert "run" not in record


def test_a_broken_line_is_marked() -> None:
    record = json.loads(Renderer(target()).record(entry(b"\xff", error="not a CRI line", partial=True)))
    assert record["fields"] == {"deckwatch_error": "not a CRI line", "deckwatch_partial": True}
    assert json.loads(Renderer(target()).record(entry(b"\xff")))["fields"] == {
        "deckwatch_error": "invalid UTF-8"
    }


@pytest.mark.parametrize(("time", "run"), [(0, 1), (10, 1), (19, 1), (20, 2), (25, 2), (99, 4)])
def test_the_run_is_the_one_under_way(time: int, run: int) -> None:
    runs = Runs(target(runs=[(1, 10.0), (2, 20.0), (4, 30.0)]))
    assert runs.at(time * SECOND) == run
