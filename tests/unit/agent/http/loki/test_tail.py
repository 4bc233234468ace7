"""Queries that are followed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest

from agent.logs.service import QueryRefused
from collectors.logs.entry import Entry
from collectors.logs.query import LogQuery
from collectors.logs.record import LogTarget
from collectors.logs.render import Renderer
from tests.unit.agent.http.conftest import Client
from tests.unit.agent.http.fakes import FakeApi
from tests.unit.collectors.logs.logfile import LogFile

PATH = "/loki/api/v1/tail"


class Printing:
    """A log service whose worker prints what the test says."""

    def __init__(self, logs: Any) -> None:
        self._logs = logs
        self.targets = logs.targets
        self.loki = logs.loki
        self.asked: list[LogQuery] = []
        self.lines: asyncio.Queue[bytes | QueryRefused] = asyncio.Queue()
        self.closed = asyncio.Event()

    async def stream(
        self, query: LogQuery, cursor: str | None = None, *, match: Callable[[LogTarget], bool]
    ) -> AsyncIterator[tuple[str, bytes]]:
        self.asked.append(query)
        try:
            while True:
                line = await self.lines.get()
                if isinstance(line, QueryRefused):
                    raise line
                yield "", line
        finally:
            self.closed.set()

    def prints(self, text: str, at: int | None = None, stream: str = "stdout") -> None:
        entry = Entry(at or time.time_ns(), stream, text.encode(), b"k" * 16, 0, len(text))
        self.lines.put_nowait(Renderer(self.targets[0]).record(entry))


@pytest.fixture
def printing(api: FakeApi, log: LogFile) -> Printing:
    api.logs = Printing(api.logs)
    return api.logs  # type: ignore[no-any-return]


def lines(message: dict[str, Any]) -> list[str]:
    return [value[1] for stream in message["streams"] for value in stream["values"]]


async def test_first_the_newest_then_what_is_printed(client: Client, printing: Printing) -> None:
    words = {"query": '{name="web"} |= "level"', "limit": "1"}
    async with client.ws_connect(PATH, params=words) as socket:
        assert lines(await socket.receive_json(timeout=10)) == ["level=info b"]
        printing.prints("level=info old", at=1_700_000_000_000_000_000)  # it stands in the files
        printing.prints("other")
        printing.prints("level=error new")
        message = await socket.receive_json(timeout=10)
    assert (lines(message), "encodingFlags" in message) == (["level=error new"], False)
    assert message["streams"][0]["stream"]["level"] == "error"
    (asked,) = printing.asked
    assert (asked.grep, [target.id for target in asked.targets]) == ("level", ["/web"])
    await asyncio.wait_for(printing.closed.wait(), 10)


async def test_categories_and_a_start_of_now(client: Client, printing: Printing) -> None:
    headers = {"X-Loki-Response-Encoding-Flags": "categorize-labels"}
    words = {"query": '{name="web"} | logfmt', "start": str(time.time_ns())}
    async with client.ws_connect(PATH, params=words, headers=headers) as socket:
        printing.prints("level=warn n=1")
        message = await socket.receive_json(timeout=10)
    (stream,) = message["streams"]
    assert message["encodingFlags"] == ["categorize-labels"]
    more = stream["values"][0][2]
    assert (more["structuredMetadata"]["level"], more["parsed"]["n"]) == ("warn", "1")
    assert "level" not in stream["stream"]


async def test_what_cannot_go_on_is_told_at_the_end(client: Client, printing: Printing) -> None:
    words = {"query": '{name="web"}', "start": str(time.time_ns())}
    async with client.ws_connect(PATH, params=words) as socket:
        printing.lines.put_nowait(QueryRefused("slow", "the reader is slow"))
        message = await socket.receive(timeout=10)
    assert (message.type, message.extra) == (aiohttp.WSMsgType.CLOSE, "the reader is slow")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ({"query": "{name="}, "parse error at line 1, col 7"),
        ({"query": 'rate({a="b"}[1m])'}, "only a log query"),
        ({"query": '{a="b"}', "delay_for": "6"}, "delay_for can't be greater than 5"),
        ({"query": '{a="b"}', "limit": "5001"}, "limit: 5001 is more"),
    ],
)
async def test_wrong_questions_are_told_before(
    client: Client, printing: Printing, words: dict[str, str], text: str
) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await client.ws_connect(PATH, params=words)
    assert refused.value.status == 400
    headers = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
               "Sec-WebSocket-Key": "MDEyMzQ1Njc4OWFiY2RlZg=="}  # fmt: skip
    answer = await client.get(PATH, params=words, headers=headers)
    assert text in (await answer.json(content_type=None))["error"]


async def test_other_pages_and_plain_requests_are_refused(client: Client, printing: Printing) -> None:
    words = {"query": '{a="b"}'}
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await client.ws_connect(PATH, params=words, headers={"Origin": "https://evil.example"})
    assert refused.value.status == 403
    assert (await client.get(PATH, params=words)).status == 400


async def test_tails_are_bounded_with_all_live_streams(
    client: Client, api: FakeApi, printing: Printing
) -> None:
    import msgspec

    server = msgspec.structs.replace(api.config.server, max_streams=1)
    api.config = msgspec.structs.replace(api.config, server=server)
    words = {"query": '{name="web"}', "start": str(time.time_ns())}
    async with client.ws_connect(PATH, params=words):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await client.ws_connect(PATH, params=words)
    assert refused.value.status == 503
