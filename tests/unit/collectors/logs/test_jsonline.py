"""Records as JSON lines."""

from __future__ import annotations

import json

from collectors.logs.batch import Record
from collectors.logs.jsonline import JsonLines
from collectors.logs.record import LogTarget
from collectors.model import LogSource

TARGET = LogTarget(
    id="/a", source=LogSource(path="/a.log", format="cri"), container={"name": "web", "labels": {"a": "b"}}
)


def test_everything_known_stands_in_the_line() -> None:
    record = Record(1_000_000_001, "stderr", "error", "boom", {"code": 7}, "t" * 32, "s" * 16, 2, "u", 4)
    assert json.loads(JsonLines(TARGET).line(record)) == {
        "time": "1970-01-01T00:00:01.000000001Z",
        "stream": "stderr",
        "level": "error",
        "message": "boom",
        "fields": {"code": 7},
        "trace_id": "t" * 32,
        "span_id": "s" * 16,
        "run": 2,
        "container": {"name": "web", "labels": {"a": "b"}},
        "uid": "u",
    }


def test_what_is_not_known_is_left_out() -> None:
    record = Record(0, "stdout", None, "", {}, None, None, None, "u", 0)
    assert list(json.loads(JsonLines(TARGET).line(record))) == [
        "time",
        "stream",
        "message",
        "container",
        "uid",
    ]
