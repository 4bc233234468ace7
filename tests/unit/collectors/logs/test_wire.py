from __future__ import annotations

import asyncio

import pytest

from collectors.logs.counters import Counters
from collectors.logs.record import LogTarget
from collectors.logs.wire import (
    Counted,
    Ended,
    Fed,
    Report,
    Started,
    Subscribe,
    Targets,
    Trouble,
    Unsubscribe,
    framed,
    read_frame,
    to_agent,
    to_worker,
)
from collectors.model import LogSource

TARGET = LogTarget(
    id="/x", source=LogSource(path="/x.log", format="cri"), container={"labels": {"a": "b"}}, runs=[(1, 2.0)]
)


@pytest.mark.parametrize(
    "message",
    [
        Targets([TARGET], ["/gone"], {"/x": [1, 2]}),
        Subscribe(1, ["/x"], "re", "error", "stderr"),
        Unsubscribe(1),
    ],
)
async def test_messages_to_the_worker_arrive_as_they_are(message: Targets | Subscribe | Unsubscribe) -> None:
    assert to_worker.decode(await through(framed(message)) or b"") == message


@pytest.mark.parametrize(
    "message",
    [
        Report([Counted("/x", Counters(), 0.5, [(b"k", 1, 2)])]),
        Fed(1, [("/x", 5, "uid", b"{}")]),
        Started(1),
        Ended(1, "slow", "text"),
        Trouble("event", "e"),
    ],
)
async def test_messages_to_the_agent_arrive_as_they_are(
    message: Report | Fed | Started | Ended | Trouble,
) -> None:
    assert to_agent.decode(await through(framed(message)) or b"") == message


async def through(data: bytes) -> bytes | None:
    reader = asyncio.StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    return await read_frame(reader)


@pytest.mark.parametrize(
    "data", [b"", b"\0\0", framed(Unsubscribe(1))[:-1], b"\xff\xff\xff\xff" + b"x" * 100]
)
async def test_a_torn_or_absurd_frame_is_the_end(data: bytes) -> None:
    assert await through(data) is None
