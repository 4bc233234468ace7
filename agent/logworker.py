"""The log worker: a process of its own that reads all logs, counts them and feeds live streams.

Started by the agent with a socket to it; it ends when the agent does. A turn reads one batch of one log,
so that a loud container never starves the others.
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
from collections import deque
from collections.abc import Sequence

from collectors.logs.entry import Entry
from collectors.logs.feed import Feed
from collectors.logs.judge import BadQuery, Judge
from collectors.logs.positions import Positions, Progress
from collectors.logs.start import Start
from collectors.logs.tail import Tail
from collectors.logs.watcher import Watcher
from collectors.logs.wire import (
    Counted,
    Ended,
    Fed,
    Report,
    Subscribe,
    Targets,
    ToAgent,
    Trouble,
    Unsubscribe,
    framed,
    read_frame,
    to_worker,
)
from runtime.linux.errors import DeckwatchError

COMMIT = 1.0
"""Seconds between commits of positions, and thus how old the agent's counters may be."""
GATHER = 0.1
"""Seconds for which what inotify tells is gathered, so that a busy host wakes the worker ten times a second."""
SOON = 0.25
POLL = 10.0
POLL_BLIND = 1.0
MAX_UNSENT = 8 << 20
"""Bytes that wait for the agent before a live stream is ended: its reader is too slow."""


class Worker:
    """All tails, and the conversation with the agent."""

    def __init__(
        self, writer: asyncio.StreamWriter, positions: Positions, start_at: str | float, scratch: str
    ) -> None:
        self._writer = writer
        self._positions = positions
        self._start_at = start_at
        self._scratch = scratch
        self._began = time.time()
        self._known = positions.load()
        self._tails: dict[str, Tail] = {}
        self._feeds: dict[int, Feed] = {}
        self._members: dict[int, set[str]] = {}
        self._watcher = Watcher()
        self._ready: deque[str] = deque()
        self._queued: set[str] = set()
        self._wake = asyncio.Event()
        self._soon: set[str] = set()
        self._changed: set[str] = set()
        self._commit_due = False
        self._troubled: set[str] = set()
        self._loop = asyncio.get_running_loop()

    async def run(self, reader: asyncio.StreamReader, stop: asyncio.Event) -> None:
        """Until the agent is gone or `stop` is set; what was read is saved at the end."""
        self._listen()
        if self._positions.moved_aside:
            self._trouble("log_positions_broken", f"moved aside to {self._positions.moved_aside}; begun anew")
        tasks = [
            self._loop.create_task(task)
            for task in (self._receive(reader), self._pump(), self._poll(), stop.wait())
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._commit()
            self._watcher.close()

    async def _receive(self, reader: asyncio.StreamReader) -> None:
        while (frame := await read_frame(reader)) is not None:
            message = to_worker.decode(frame)
            if isinstance(message, Targets):
                self._take_targets(message)
            elif isinstance(message, Subscribe):
                self._subscribe(message)
            else:
                self._unsubscribe(message)

    def _take_targets(self, message: Targets) -> None:
        for id in message.gone:
            self._remove(id)
        for target in message.changed:
            tail = self._tails.get(target.id)
            if tail is None:
                progress = self._known.pop(target.id, None) or Progress()
                try:
                    tail = Tail(target, progress, self._start(target.runs), self._scratch)
                except DeckwatchError as error:
                    self._trouble("log_not_followed", f"{target.id}: {error}")
                    continue
                self._tails[target.id] = tail
                self._changed.add(target.id)
            else:
                tail.retarget(target)
            self._watcher.add(target.id, target.source.path)
            for feed in message.feeds.get(target.id, ()):
                self._join(feed, target.id)
            self._enqueue(target.id)
        if not self._watcher.complete and self._watcher.refusal:
            self._trouble("logs_not_watched", f"{self._watcher.refusal}; logs are polled each second instead")
        self._commit_soon()

    def _start(self, runs: Sequence[tuple[int, float]]) -> Start:
        """A container that is younger than the worker is read whole, whatever `start_at` says."""
        if runs and runs[0][1] >= self._began:
            return Start.of("beginning", self._began)
        return Start.of(self._start_at, time.time())

    def _remove(self, id: str) -> None:
        tail = self._tails.pop(id, None)
        if tail is None:
            return
        self._known[id] = tail.saved()
        self._changed.add(id)
        tail.close()
        self._watcher.remove(id)
        for members in self._members.values():
            members.discard(id)

    def _subscribe(self, message: Subscribe) -> None:
        try:
            judge = Judge(message.grep, message.level, message.stream)
        except BadQuery as error:
            self._send(Ended(message.feed, str(error)))
            return
        self._feeds[message.feed] = Feed(message.feed, judge, self._feed)
        self._members[message.feed] = set()
        for id in message.ids:
            self._join(message.feed, id)

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
        tail = self._tails.get(id)
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
            self._send(Ended(message.feed, f"the reader is slow: {MAX_UNSENT} bytes wait for it"))
        else:
            self._send(message)

    def _send(self, message: ToAgent) -> None:
        if not self._writer.is_closing():
            self._writer.write(framed(message))

    def _trouble(self, event: str, error: str) -> None:
        """Told once for each text, so that a lasting condition does not fill the agent's log."""
        if error not in self._troubled and len(self._troubled) < 1000:
            self._troubled.add(error)
            self._send(Trouble(event, error))

    def _enqueue(self, id: str) -> None:
        if id in self._tails and id not in self._queued:
            self._queued.add(id)
            self._ready.append(id)
            self._wake.set()

    async def _pump(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._ready:
                id = self._ready.popleft()
                self._queued.discard(id)
                if id in self._tails:
                    self._step(id, self._tails[id])
                await asyncio.sleep(0)

    def _step(self, id: str, tail: Tail) -> None:
        try:
            more = tail.step()
        except (OSError, DeckwatchError) as error:
            self._trouble("log_not_read", f"cannot read the log of {id}: {error}")
            return
        if more:
            self._changed.add(id)
            self._commit_soon()
            self._enqueue(id)
        elif tail.waiting:
            if not self._soon:
                self._loop.call_later(SOON, self._look_again)
            self._soon.add(id)
        elif tail.target.finished and not tail.pending:
            tail.park()

    def _look_again(self) -> None:
        ids, self._soon = self._soon, set()
        for id in ids:
            self._enqueue(id)

    async def _poll(self) -> None:
        while True:
            complete = self._watcher.complete
            await asyncio.sleep(POLL if complete else POLL_BLIND)
            self._watcher.retry()
            for id, tail in self._tails.items():
                if not (complete and tail.target.finished):
                    self._enqueue(id)

    def _listen(self) -> None:
        if self._watcher.fd is not None:
            self._loop.add_reader(self._watcher.fd, self._happened)

    def _happened(self) -> None:
        assert self._watcher.fd is not None
        self._loop.remove_reader(self._watcher.fd)
        self._loop.call_later(GATHER, self._listen)
        for id in self._watcher.happened():
            for each in self._tails if id is None else (id,):
                self._enqueue(each)

    def _commit_soon(self) -> None:
        if not self._commit_due:
            self._commit_due = True
            self._loop.call_later(COMMIT, self._commit)

    def _commit(self) -> None:
        """Save what changed, and only then tell the agent: its counters never go back."""
        self._commit_due = False
        for id, tail in self._tails.items():
            if tail.pending:
                self._commit_soon()
                if tail.flush():
                    self._changed.add(id)
        changed, self._changed = self._changed, set()
        if not changed:
            return
        rows = [(id, self._tails[id].saved() if id in self._tails else self._known[id]) for id in changed]
        try:
            self._positions.save(rows, time.time())
        except DeckwatchError as error:
            self._trouble("log_positions_not_saved", str(error))
            self._changed |= changed
            self._commit_soon()
            return
        now = time.time()
        self._send(
            Report(
                [
                    Counted(id, progress.counters, self._tails[id].lag(now), progress.cuts)
                    for id, progress in rows
                    if id in self._tails
                ]
            )
        )


def _locked(directory: str) -> int:
    """The lock that keeps two workers from one store; waits for a predecessor that is just ending."""
    fd = os.open(os.path.join(directory, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + 10
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return fd
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise DeckwatchError(f"another log worker holds {directory}; end that agent first") from None
            time.sleep(0.05)


async def _main(options: argparse.Namespace) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    reader, writer = await asyncio.open_connection(sock=socket.socket(fileno=options.socket))
    positions = Positions(os.path.join(options.state, "positions.db"))
    start_at = options.start_at if options.start_at in ("beginning", "end") else float(options.start_at)
    try:
        await Worker(writer, positions, start_at, options.scratch).run(reader, stop)
        with contextlib.suppress(ConnectionError):
            await asyncio.wait_for(writer.drain(), 1)
    finally:
        positions.close()
        writer.close()


def main() -> None:
    """Entry point of the process."""
    parser = argparse.ArgumentParser(prog="agent.logworker")
    parser.add_argument("--socket", type=int, required=True)
    parser.add_argument("--state", required=True)
    parser.add_argument("--scratch", required=True)
    parser.add_argument("--start-at", required=True)
    options = parser.parse_args()
    lock = _locked(options.state)
    gc.collect()
    gc.freeze()
    asyncio.run(_main(options))
    os.close(lock)


if __name__ == "__main__":
    main()
