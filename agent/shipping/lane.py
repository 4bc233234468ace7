"""One thread for calls that may hang on a disk: the event loop waits with a limit, and calls never overtake."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class Busy(Exception):
    """An earlier call has not come back."""


class Lane:
    """Makes one call at a time in a daemon thread, started with the first."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._calls: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._running: asyncio.Future[Any] | None = None

    async def call(self, function: Callable[[], T]) -> T:
        """What the function returns or raises. Raises Busy while an earlier call, whose caller gave up, still runs."""
        if self._running is not None and not self._running.done():
            raise Busy
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._running = future

        def made() -> None:
            try:
                result = function()
            except BaseException as error:
                _tell(loop, _failed, future, error)
            else:
                _tell(loop, _succeeded, future, result)

        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()
        self._calls.put(made)
        return await asyncio.shield(future)

    def close(self) -> None:
        """Let the thread end behind what it does."""
        self._calls.put(None)

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            call()


def _tell(loop: asyncio.AbstractEventLoop, how: Callable[..., None], *arguments: object) -> None:
    """Tell the loop, which may be closed by now: then nobody waits."""
    try:
        loop.call_soon_threadsafe(how, *arguments)
    except RuntimeError:
        return


def _succeeded(future: asyncio.Future[Any], result: object) -> None:
    future.set_result(result)


def _failed(future: asyncio.Future[Any], error: BaseException) -> None:
    future.set_exception(error)
    future.exception()  # whoever waits gets it; a caller that gave up has said so
