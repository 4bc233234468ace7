"""`/tail`: a log query that is followed, over a WebSocket.

First come the newest lines since `start`, from the files, then what is printed. A moment shortly before now parts
the two, by the lines' own times: so each line is sent once.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import urllib.parse
from typing import TYPE_CHECKING

import orjson
import structlog
from aiohttp import WSCloseCode, web

from agent.api import AgentApi
from agent.http.logs import service
from agent.http.loki.asking import BASE, CATEGORIZE, LIMIT, QUERY, START, categorizes, question
from agent.http.loki.backlog import Backlog, Line
from agent.http.loki.problems import told
from agent.http.loki.values import HOUR, values_of
from agent.http.problem import HttpProblem
from agent.http.route import EVENT_STREAM, Parameter, Route
from agent.http.sse import STREAMS
from agent.logs.service import LogService, QueryRefused
from agent.rights import Right
from collectors.logs.loki.query import MAX_LIMIT
from collectors.logs.query import LogQuery
from collectors.logs.times import SECOND

if TYPE_CHECKING:
    from collectors.logs.logql.logs import LogLine
    from collectors.logs.loki.live import Live

log = structlog.get_logger()
TAIL_ENDED = "loki_tail_ended"

MAX_DELAY = 5
SETTLED = 2 * SECOND
"""How old a line has to be for its file to hold it, whole."""
_HEARTBEAT = 30.0
_WRITE_TIMEOUT = 30.0
_MAX_MESSAGE = 4096
_TURN = 50
"""Records after which others have their turn."""
DELAY = Parameter("delay_for", f"seconds that lines wait for older ones, up to {MAX_DELAY}", kind="integer")


class _Tail:
    """What one client follows. `parting` is the time in ns before which lines come from the files."""

    def __init__(self, logs: LogService, live: Live, parting: int, *, categorize: bool) -> None:
        self._logs = logs
        self._live = live
        self._parting = parting
        self._categorize = categorize
        self._flags = {"encodingFlags": [CATEGORIZE]} if categorize else {}
        self.backlog = Backlog()

    async def earlier(self, api: AgentApi, query: str, start: int, limit: int) -> None:
        """The newest lines before the parting; raises QueryRefused."""
        asked = question(
            api, self._logs, "query_range",
            query=query, start=start, end=self._parting, limit=limit, categorize=self._categorize,
        )  # fmt: skip
        answer = b"".join([piece async for piece in self._logs.loki(asked)])
        lines = [
            Line(int(value[0]), stream["stream"], value)
            for stream in orjson.loads(answer)["data"]["result"]
            for value in stream["values"]
        ]
        for line in sorted(lines, key=lambda line: line.time):
            self.backlog.put(line)

    async def follow(self) -> None:
        """What is printed from the parting on, until it fails; raises QueryRefused."""
        targets = [target for target in self._logs.targets if self._live.matches(target)]
        query = LogQuery(targets=targets, since=(self._parting - 1000) / SECOND, grep=self._live.grep)
        records = self._logs.stream(query, match=self._live.matches)
        read = 0
        async with contextlib.aclosing(records):
            async for _, record in records:
                line = self._live.line(record)
                if line is not None and line.time >= self._parting:
                    self.backlog.put(self._told(line))
                read += 1
                if read % _TURN == 0:
                    await asyncio.sleep(0)

    async def message(self, delay: float) -> str:
        """What is to be sent next, when there is something."""
        return orjson.dumps({**await self.backlog.frame(delay), **self._flags}).decode()

    def _told(self, line: LogLine) -> Line:
        if not self._categorize:
            return Line(line.time, line.stream(), [str(line.time), line.line])
        categories = {"structuredMetadata": dict(line.metadata), "parsed": dict(line.parsed)}
        more = {name: labels for name, labels in categories.items() if labels}
        return Line(line.time, line.labels, [str(line.time), line.line, more])


async def tail(api: AgentApi, request: web.Request) -> web.StreamResponse:
    """Send lines until the client goes, or takes none for `_WRITE_TIMEOUT` seconds."""
    _refuse_other_pages(request)
    logs = service(api)
    values = await values_of(request)
    now = time.time_ns()
    parting = now - SETTLED
    start = values.time("start", now - HOUR)
    limit = values.number("limit", 100, MAX_LIMIT)
    delay = values.length("delay_for") / SECOND
    if delay > MAX_DELAY:
        raise HttpProblem(400, f"delay_for can't be greater than {MAX_DELAY}")
    query = values.text("query")
    socket = web.WebSocketResponse(heartbeat=_HEARTBEAT, max_msg_size=_MAX_MESSAGE)
    if not socket.can_prepare(request).ok:
        raise HttpProblem(400, "this path is for WebSocket clients; ask query_range over HTTP")
    with request.app[STREAMS].one(api.config.server.max_streams):
        live = await asyncio.to_thread(_live, query, api.config.node, api.config.external_labels)
        following = _Tail(logs, live, parting, categorize=categorizes(request))
        if start < parting:
            await following.earlier(api, query, start, limit)
        await socket.prepare(request)
        await _serve(socket, following, delay)
    return socket


async def _serve(socket: web.WebSocketResponse, following: _Tail, delay: float) -> None:
    try:
        async with asyncio.TaskGroup() as group:
            working = [
                group.create_task(following.follow()),
                group.create_task(_send(socket, following, delay)),
            ]
            async for _ in socket:
                pass  # a client has nothing to say
            for task in working:
                task.cancel()
    except* QueryRefused as refused:
        reason = str(refused.exceptions[0])
        log.info(TAIL_ENDED, reason=reason)
        await socket.close(code=WSCloseCode.TRY_AGAIN_LATER, message=reason.encode()[:120])
    except* (ConnectionError, TimeoutError):
        await socket.close()


async def _send(socket: web.WebSocketResponse, following: _Tail, delay: float) -> None:
    while True:
        message = await following.message(delay)
        await asyncio.wait_for(socket.send_str(message), _WRITE_TIMEOUT)


def _live(query: str, node: str, external: dict[str, str]) -> Live:
    # The grammar is read where somebody follows, and beside the event loop: it takes a tenth of a second.
    from collectors.logs.loki.live import Live

    return Live(query, node, external)


def _refuse_other_pages(request: web.Request) -> None:
    """A browser lets any page open a WebSocket here: only pages of this very address may."""
    origin = request.headers.get("Origin")
    if origin is not None and urllib.parse.urlsplit(origin).netloc != request.host:
        raise HttpProblem(403, f"a page of {origin[:80]!r} may not follow logs here")


ROUTES = (
    Route("GET", f"{BASE}/tail", told(tail), Right.LOGS, "A log query that is followed, over a WebSocket",
          (QUERY, START, LIMIT, DELAY), answers=EVENT_STREAM, statuses=(400, 403, 429, 503, 504)),
)  # fmt: skip
