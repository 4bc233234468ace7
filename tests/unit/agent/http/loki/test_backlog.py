"""Lines that wait for a client."""

from __future__ import annotations

import asyncio

import pytest

from agent.http.loki import backlog as backlogs
from agent.http.loki.backlog import Backlog, Line


def line(time: int, text: str = "x", **labels: str) -> Line:
    return Line(time, labels or {"a": "b"}, [str(time), text])


async def test_lines_by_stream_in_order_of_time() -> None:
    backlog = Backlog()
    for one in (line(2), line(1), line(3, a="c")):
        backlog.put(one)
    assert await backlog.frame(0) == {
        "streams": [
            {"stream": {"a": "b"}, "values": [["1", "x"], ["2", "x"]]},
            {"stream": {"a": "c"}, "values": [["3", "x"]]},
        ]
    }


async def test_a_frame_waits_for_a_line_and_for_older_ones() -> None:
    backlog = Backlog()
    loop = asyncio.get_running_loop()
    frame = asyncio.ensure_future(backlog.frame(0.2))
    await asyncio.sleep(0)
    began = loop.time()
    backlog.put(line(2))
    loop.call_later(0.05, backlog.put, line(1))
    first = await asyncio.wait_for(frame, 5)
    assert loop.time() - began >= 0.19
    second = await asyncio.wait_for(backlog.frame(0), 5)
    assert [one["streams"][0]["values"][0][0] for one in (first, second)] == ["2", "1"]


async def test_what_has_no_room_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    backlog = Backlog(most=2)
    for time in range(4):
        backlog.put(line(time))
    frame = await backlog.frame(0)
    assert len(frame["streams"][0]["values"]) == 2
    assert frame["dropped_entries"] == [
        {"labels": {"a": "b"}, "timestamp": "2"}, {"labels": {"a": "b"}, "timestamp": "3"},
    ]  # fmt: skip
    backlog.put(line(9))
    assert "dropped_entries" not in await backlog.frame(0)
    monkeypatch.setattr(backlogs, "MAX_BYTES", 10)
    backlog.put(line(1, "y" * 100))
    backlog.put(line(2))
    assert len((await backlog.frame(0))["dropped_entries"]) == 1
