"""Runs a query in a process of its own: bounded in number, time and bytes, killed when nobody listens."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncGenerator, Coroutine
from typing import Any, TypeVar

import msgspec
import structlog

from collectors.logs.loki.query import LIGHT, LokiQuery
from collectors.logs.query import LogQuery
from runtime.linux.errors import DeckwatchError

log = structlog.get_logger()

_CHUNK = 256 * 1024
_PATIENCE = 5.0

T = TypeVar("T")


class QueryLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of queries: bytes read and seconds for each, and how many run at once."""

    max_bytes: int = 2 << 30
    timeout: float = 30.0
    concurrency: int = 2


class QueryRefused(DeckwatchError):
    """A query not answered, or not to its end.

    `reason` is `busy`, `timeout`, `bytes`, `pattern`, `cursor`, `slow` or `failed`.
    """

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class _LastWord(msgspec.Struct):
    reason: str
    text: str


class Queries:
    """Starts query processes within the limits."""

    def __init__(self, limits: QueryLimits, scratch: str, python: str = sys.executable) -> None:
        self.limits = limits
        self._scratch = scratch
        self._python = python
        self._slots = asyncio.Semaphore(limits.concurrency)
        self._panels = asyncio.Semaphore(limits.concurrency)
        self._light = asyncio.Semaphore(limits.concurrency)

    async def loki(self, query: LokiQuery) -> AsyncGenerator[bytes, None]:
        """The answer's JSON in pieces; raises QueryRefused, before the first.

        Grafana asks for all panels at once: each waits for its turn as long as it may run, and only few of them
        stand before the queries of others. What reads no log waits for none that does.
        """
        turns = (self._light,) if query.kind in LIGHT else (self._panels, self._slots)
        async with contextlib.AsyncExitStack() as stack:
            for one in turns:
                await stack.enter_async_context(self._turn(one, self.limits.timeout))
            pieces = await stack.enter_async_context(contextlib.aclosing(self._run(query, lenient=False)))
            async for piece in pieces:
                yield piece

    async def lines(self, query: LogQuery, *, lenient: bool = False) -> AsyncGenerator[bytes, None]:
        """Records, one JSON line each without newline; raises QueryRefused, also midway.

        When some containers' logs could not be read the others' records come all the same, and `incomplete` is
        raised behind them; for a `lenient` caller it is only logged.
        """
        patience = min(_PATIENCE, self.limits.timeout)
        async with (
            self._turn(self._slots, patience),
            contextlib.aclosing(self._run(query, lenient)) as lines,
        ):
            async for line in lines:
                yield line

    @contextlib.asynccontextmanager
    async def _turn(self, turns: asyncio.Semaphore, patience: float) -> AsyncGenerator[None, None]:
        try:
            await asyncio.wait_for(turns.acquire(), patience)
        except TimeoutError:
            raise QueryRefused(
                "busy", f"{self.limits.concurrency} queries run already; try again or raise query.concurrency"
            ) from None
        try:
            yield
        finally:
            turns.release()

    async def _run(self, query: LogQuery | LokiQuery, lenient: bool) -> AsyncGenerator[bytes, None]:
        deadline = asyncio.get_running_loop().time() + self.limits.timeout
        process = await asyncio.create_subprocess_exec(
            self._python, "-P", "-m", "collectors.logs.queryprocess",
            "--scratch", self._scratch, "--max-bytes", str(self.limits.max_bytes),
            *(["--loki"] if isinstance(query, LokiQuery) else []),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )  # fmt: skip
        assert process.stdin and process.stdout
        try:
            process.stdin.write(msgspec.json.encode(query))
            process.stdin.close()
            async for line in self._split(process.stdout, deadline):
                yield line
            await self._last_word(process, deadline, lenient)
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                # Its end is told only once its pipes are read to theirs.
                await process.communicate()

    async def _split(self, stream: asyncio.StreamReader, deadline: float) -> AsyncGenerator[bytes, None]:
        rest = bytearray()
        while chunk := await self._before(deadline, stream.read(_CHUNK)):
            *lines, tail = chunk.split(b"\n")
            for line in lines:
                yield bytes(rest) + line if rest else line
                rest.clear()
            rest += tail

    async def _last_word(self, process: asyncio.subprocess.Process, deadline: float, lenient: bool) -> None:
        assert process.stderr
        text = await self._before(deadline, process.stderr.read(_CHUNK))
        if await self._before(deadline, process.wait()) == 0:
            if text:
                self._skipped(text, lenient)
            return
        try:
            word = msgspec.json.decode(text, type=_LastWord)
        except msgspec.DecodeError:
            ending = text.decode("utf-8", "replace").strip().rpartition("\n")[2]
            raise QueryRefused(
                "failed", f"the query ended with status {process.returncode}: {ending}"
            ) from None
        raise QueryRefused(word.reason, word.text)

    def _skipped(self, text: bytes, lenient: bool) -> None:
        reasons: list[str] = msgspec.json.decode(text, type=list[str])
        log.warning("log_query_incomplete", skipped=reasons)
        if not lenient:
            more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
            raise QueryRefused("incomplete", f"one container's log is left out{more}: {reasons[0]}")

    async def _before(self, deadline: float, waiting: Coroutine[Any, Any, T]) -> T:
        try:
            async with asyncio.timeout_at(deadline):
                return await waiting
        except TimeoutError:
            raise QueryRefused(
                "timeout",
                f"the query took longer than {self.limits.timeout:g} s; narrow it or raise query.timeout",
            ) from None
