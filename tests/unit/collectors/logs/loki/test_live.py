"""A log query over records as they are printed."""

from __future__ import annotations

import pytest

from collectors.logs.entry import Entry
from collectors.logs.logql.errors import LogQLError
from collectors.logs.loki.live import Live
from collectors.logs.render import Renderer
from tests.unit.collectors.logs.loki.asking import Asking

TIME = 1_700_000_000_123_456_789


def record(asking: Asking, message: bytes, stream: str = "stdout") -> bytes:
    return Renderer(asking.targets[0]).record(Entry(TIME, stream, message, b"k" * 16, 7, len(message)))


def test_records_become_the_lines_that_files_give(asking: Asking) -> None:
    message = b'{"level":"error","msg":"needle","trace_id":"0123456789abcdef0123456789abcdef"}'
    live = Live('{name="web"} |= "needle" | json', "n1", {})
    assert live.line(record(asking, message)) is None  # a container that nobody asked for
    assert live.matches(asking.targets[0])
    line = live.line(record(asking, message))
    assert line is not None
    assert (line.time, line.line, line.parsed["msg"]) == (TIME, message.decode(), "needle")
    asking.log.append(b"2023-11-14T22:13:20.123456789Z stdout F " + message + b"\n")
    found = asking.ask("query_range", '{name="web"}', start=TIME, end=TIME + 1, categorize=True)["data"][
        "result"
    ][0]
    metadata = found["values"][0][2]["structuredMetadata"]
    assert dict(line.labels) == found["stream"]
    assert {**line.metadata, "uid": ""} == {**metadata, "uid": ""}


def test_only_what_the_query_wants(asking: Asking) -> None:
    live = Live('{name="web", stream="stderr"} |= "a" | detected_level="warn"', "n1", {})
    assert live.matches(asking.targets[0])
    wanted = [
        live.line(record(asking, message, stream)) is not None
        for message, stream in (
            (b"warn: a", "stderr"),
            (b"warn: a", "stdout"),
            (b"a", "stderr"),
            (b"warn", "stderr"),
        )
    ]
    assert wanted == [True, False, False, False]
    assert not Live('{name="other"}', "n1", {}).matches(asking.targets[0])


def test_what_each_line_holds_is_told_ahead() -> None:
    assert Live('{name="web"} |= "a_b" |= "c.d(e)"', "n1", {}).grep == r"c\.d\(e\)"
    assert Live('{name="web"} | json', "n1", {}).grep is None


def test_a_metric_query_cannot_be_followed() -> None:
    with pytest.raises(LogQLError, match="only a log query"):
        Live('rate({name="web"}[1m])', "n1", {})
