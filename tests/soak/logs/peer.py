"""A Loki, as a process, that fails by turns in every way and notes what arrives.

`python -m tests.soak.logs.peer DIRECTORY SECONDS SEED`: a file for each container in the directory has a line for each
record that arrived, in order, copies among them. Each turn takes so many seconds; on SIGUSR1 it is well for good.
The first line of its output is its address.
"""

from __future__ import annotations

import asyncio
import random
import signal
import sys
from typing import NamedTuple

from aiohttp import web

from tests.peers.loki import Entry, LokiPeer
from tests.peers.web import Request
from tests.soak.logs import lines

MOODS = ("well", "down", "slow", "late", "busy", "broken", "half", "picky", "small")
LATE = 4.0
"""More seconds than the sink waits for an answer."""
PICKY = 32 * 1024
SMALL = 12_000


class Arrival(NamedTuple):
    """One record that arrived: its stream and time there, its uid, its number (-1 for a torn line's end, which has
    none), whether it is the line it should be."""

    stream: str
    time: int
    uid: str
    number: int
    whole: bool


class MoodyPeer(LokiPeer):
    """Well or not, as its `mood` says; nothing but the journal is kept."""

    def __init__(self, directory: str) -> None:
        super().__init__()
        self.mood = "well"
        self._directory = directory

    async def answer(self, request: Request) -> web.StreamResponse:
        """Store, note, forget."""
        if self.mood == "slow":
            await asyncio.sleep(1)
        answer = await super().answer(request)
        self._note(self.entries)
        self.entries.clear()
        self.stored.clear()
        self.requests.clear()
        if self.mood == "late":
            await asyncio.sleep(LATE)
        return answer

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.max_line = PICKY if self.mood == "picky" else 256 * 1024
        self.max_body = SMALL if self.mood == "small" else 1 << 30
        if self.mood == "down" and request.transport is not None:
            request.transport.abort()
        if self.mood == "busy":
            self.fail_next(429, {"Retry-After": "1"})
        if self.mood == "broken":
            self.fail_next(500)
        if self.mood == "half":
            self.close_next()
        return await super()._handle(request)

    def _note(self, entries: list[Entry]) -> None:
        noted: dict[str, list[str]] = {}
        for entry in entries:
            name = entry.labels.get("name") or entry.labels["container"]
            _, number = lines.told_by(entry.line) or ("", -1)
            whole = number >= 0 and entry.line == lines.text(name, number)
            stream = entry.labels.get("stream", "-")
            uid = entry.metadata.get("uid", "-")
            noted.setdefault(name, []).append(f"{stream} {entry.time} {uid} {number} {int(whole)}\n")
        for name, some in noted.items():
            with open(f"{self._directory}/{name}", "a", encoding="ascii") as file:
                file.writelines(some)


def arrivals(directory: str, name: str) -> list[Arrival]:
    """What arrived of one container, in order."""
    try:
        with open(f"{directory}/{name}", encoding="ascii") as file:
            rows = [line.split() for line in file]
    except FileNotFoundError:
        return []
    return [
        Arrival(stream, int(time), uid, int(number), whole == "1")
        for stream, time, uid, number, whole in rows
    ]


async def serve(directory: str, seconds: float, seed: int) -> None:
    """Serve, mood after mood, until told to end."""
    loop = asyncio.get_running_loop()
    mended, ended = asyncio.Event(), asyncio.Event()
    loop.add_signal_handler(signal.SIGUSR1, mended.set)
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    peer = MoodyPeer(directory)
    app = web.Application(client_max_size=1 << 30)
    app.router.add_route("*", "/{path:.*}", peer._handle)
    runner = web.AppRunner(app, auto_decompress=False, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    print(f"http://127.0.0.1:{port}", flush=True)
    try:
        chance = random.Random(seed)
        while not mended.is_set():
            for mood in chance.sample(MOODS, len(MOODS)):
                peer.mood = mood
                if mood == "down":
                    await site.stop()
                await _first(mended, seconds)
                if mood == "down":
                    site = web.TCPSite(runner, "127.0.0.1", port, reuse_address=True)
                    await site.start()
                if mended.is_set():
                    break
        peer.mood = "well"
        await ended.wait()
    finally:
        await runner.cleanup()


async def _first(event: asyncio.Event, seconds: float) -> None:
    """Wait for an event, not longer than so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], float(sys.argv[2]), int(sys.argv[3])))
