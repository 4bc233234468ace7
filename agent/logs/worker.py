"""The log worker: a process of its own that reads all logs, counts them and feeds live streams.

Started by the agent with a socket to it: `python -m agent.logs.worker`. It ends when the agent does.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import fcntl
import gc
import os
import signal
import socket
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from agent.logs.readers import COMMIT, Readers
from collectors.logs.entry import Entry
from collectors.logs.feed import Feed
from collectors.logs.judge import BadQuery, Judge
from collectors.logs.positions import Positions, Progress
from collectors.logs.wire import (
    Ended,
    Fed,
    Ship,
    Shipping,
    Started,
    Subscribe,
    Targets,
    ToAgent,
    Unsubscribe,
    framed,
    read_frame,
    to_worker,
)
from runtime.linux.errors import DeckwatchError

if TYPE_CHECKING:
    from agent.shipping.shippers import Shippers

MAX_UNSENT = 8 << 20
"""Bytes that wait for the agent before a live stream is ended: its reader is too slow."""
_LOCK = 10.0


class Worker:
    """The conversation with the agent: what to read, and who wants to see it live."""

    def __init__(
        self,
        writer: asyncio.StreamWriter,
        positions: Positions[Progress],
        start_at: str | float,
        scratch: str,
        state: str,
    ) -> None:
        self._writer = writer
        self._state = state
        self._scratch = scratch
        self._readers = Readers(positions, start_at, scratch, self._send)
        self._shippers: Shippers | None = None
        self._feeds: dict[int, Feed] = {}
        self._members: dict[int, set[str]] = {}

    async def run(self, reader: asyncio.StreamReader) -> None:
        """Until the agent is gone; what was read is saved at the end."""
        async with asyncio.TaskGroup() as parts:
            tasks = [parts.create_task(self._readers.run())]
            try:
                while (frame := await read_frame(reader)) is not None:
                    message = to_worker.decode(frame)
                    if isinstance(message, Ship):
                        self._shippers = self._planned(message)
                        tasks.append(parts.create_task(self._ship(self._shippers)))
                    else:
                        self._obey(message)
            finally:
                for task in tasks:
                    task.cancel()

    def _planned(self, message: Ship) -> Shippers:
        """The sinks of a plan. What ships is only imported where something is shipped."""
        from agent.shipping.plan import Plan
        from agent.shipping.shippers import Shippers

        readers = self._readers
        shippers = Shippers(
            msgspec.msgpack.decode(message.plan, type=Plan), state=self._state, scratch=self._scratch,
            tails=readers.tails, starts=readers.starts, trouble=readers.trouble,
        )  # fmt: skip
        readers.stepped = shippers.news
        return shippers

    async def _ship(self, shippers: Shippers) -> None:
        """Ship until cancelled, and tell how it goes each second."""
        async with asyncio.TaskGroup() as parts:
            parts.create_task(shippers.run())
            while True:
                await asyncio.sleep(COMMIT)
                self._send(Shipping(msgspec.Raw(msgspec.msgpack.encode(shippers.report()))))

    def _obey(self, message: Targets | Subscribe | Unsubscribe) -> None:
        if isinstance(message, Targets):
            self._take_targets(message)
        elif isinstance(message, Subscribe):
            self._subscribe(message)
        else:
            self._unsubscribe(message)

    def _take_targets(self, message: Targets) -> None:
        for id in message.gone:
            self._readers.finish(id)
            if self._shippers is not None:
                self._shippers.leave(id)
            self._readers.leave(id)
            for members in self._members.values():
                members.discard(id)
        for target in message.changed:
            self._readers.follow(target)
            if self._shippers is not None:
                self._shippers.follow(target)
            self._listen_to(target.id)
            for feed in message.feeds.get(target.id, ()):
                self._join(feed, target.id)

    def _subscribe(self, message: Subscribe) -> None:
        try:
            judge = Judge(message.grep, message.level, message.stream)
        except BadQuery as error:
            self._send(Ended(message.feed, "pattern", str(error)))
            return
        self._feeds[message.feed] = Feed(message.feed, judge, self._feed)
        self._members[message.feed] = set()
        for id in message.ids:
            self._join(message.feed, id)
        self._send(Started(message.feed))

    def _unsubscribe(self, message: Unsubscribe) -> None:
        self._feeds.pop(message.feed, None)
        for id in self._members.pop(message.feed, ()):
            self._listen_to(id)

    def _join(self, feed: int, id: str) -> None:
        if feed in self._members:
            self._members[feed].add(id)
            self._listen_to(id)

    def _listen_to(self, id: str) -> None:
        """Have the tail hand over its entries exactly while somebody wants them."""
        tail = self._readers.tails.get(id)
        if tail is None:
            return
        feeds = [self._feeds[number] for number, members in self._members.items() if id in members]

        def hand_over(entries: Sequence[Entry]) -> None:
            for feed in feeds:
                feed.take(tail.target, entries)

        tail.listener = hand_over if feeds else None

    def _feed(self, message: Fed) -> None:
        if self._writer.transport.get_write_buffer_size() > MAX_UNSENT:
            self._unsubscribe(Unsubscribe(message.feed))
            self._send(Ended(message.feed, "slow", f"the reader is slow: {MAX_UNSENT} bytes wait for it"))
        else:
            self._send(message)

    def _send(self, message: ToAgent) -> None:
        if not self._writer.is_closing():
            self._writer.write(framed(message))


def locked(directory: str) -> int:
    """The lock that keeps two workers from one store; waits for a predecessor that is just ending."""
    fd = os.open(os.path.join(directory, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + _LOCK
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return fd
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(fd)
                raise DeckwatchError(f"another log worker holds {directory}; end that agent first") from None
            time.sleep(0.05)


async def _main(options: argparse.Namespace) -> None:
    reader, writer = await asyncio.open_connection(sock=socket.socket(fileno=options.socket))
    # A signal is answered as the agent's end is: what was read is saved.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, reader.feed_eof)
    positions = Positions(os.path.join(options.state, "positions.db"), Progress)
    start_at = options.start_at if options.start_at in ("beginning", "end") else float(options.start_at)
    try:
        await Worker(writer, positions, start_at, options.scratch, options.state).run(reader)
        with contextlib.suppress(ConnectionError):
            await asyncio.wait_for(writer.drain(), 1)
    finally:
        positions.close()
        writer.close()


def main() -> None:
    """Entry point of the process."""
    parser = argparse.ArgumentParser(prog="agent.logs.worker")
    parser.add_argument("--socket", type=int, required=True)
    parser.add_argument("--state", required=True)
    parser.add_argument("--scratch", required=True)
    parser.add_argument("--start-at", required=True)
    options = parser.parse_args()
    lock = locked(options.state)
    gc.collect()
    gc.freeze()
    asyncio.run(_main(options))
    os.close(lock)


if __name__ == "__main__":
    main()
