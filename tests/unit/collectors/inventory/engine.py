"""An engine that does on demand what no real one can be made to do: hang, lie, and answer without end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Engine:
    """Answers of one engine; a test changes them as it goes. Containers are inspect bodies by id."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.version: dict[str, object] = {"ApiVersion": "1.41", "MinAPIVersion": "1.12"}
        self.containers: dict[str, dict[str, object]] = {}
        self.history: list[dict[str, object]] = []
        self.listed: list[dict[str, object]] | None = None
        self.asked: list[str] = []
        self.versions: set[str] = set()
        self.hanging: set[str] = set()
        self.streams: set[asyncio.Queue[bytes]] = set()
        self.raw: dict[str, bytes] = {}
        self._transports: set[asyncio.Transport] = set()
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen on the socket."""
        app = web.Application()
        app.router.add_get("/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.UnixSite(self._runner, self.path).start()

    async def stop(self) -> None:
        """Close all connections and leave the socket."""
        if self._runner is not None:
            for stream in self.streams:
                stream.put_nowait(b"")
            await self._runner.cleanup()
            os.unlink(self.path)
        self._runner = None

    def drop(self) -> None:
        """Close all connections in the midst of their answers."""
        for transport in self._transports:
            transport.abort()

    def add(self, id: str, status: str = "running", started: int = 10, **parts: object) -> None:
        """A container that the engine lists; `started` in seconds of one minute."""
        state = {"Status": status, "StartedAt": f"2026-01-01T00:00:{started:02}Z"}
        self.containers[id] = {"Id": id, "Name": f"/{id}", "State": state, **parts}

    def tell(self, id: str, action: str, at: int, **attributes: str) -> None:
        """An event, also kept for those who ask for the past."""
        event = {
            "Type": "container",
            "Action": action,
            "Actor": {"ID": id, "Attributes": {"name": id, **attributes}},
            "timeNano": at,
        }
        self.history.append(event)
        for stream in self.streams:
            stream.put_nowait(json.dumps(event).encode() + b"\n")

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        version, path = _split(request.path)
        self.asked.append(path)
        self.versions.add(version)
        if request.transport is not None:
            self._transports.add(request.transport)
        if path in self.hanging:
            await asyncio.Event().wait()
        if path in self.raw:
            return web.Response(body=self.raw[path])
        if version and not self._speaks(version):
            message = f"client version {version} is too old. Minimum supported API version is {self.version['MinAPIVersion']}"
            return web.json_response({"message": message}, status=400)
        if path == "/version":
            return web.json_response(self.version)
        if path == "/_ping":
            return web.Response(text="OK")
        if path == "/events":
            return await self._events(request)
        if path == "/containers/json":
            lines = [self._line(one) for one in self.containers.values()]
            return web.json_response(lines if self.listed is None else self.listed)
        container = self.containers.get(path.split("/")[2])
        return web.json_response(
            container or {"message": "No such container"}, status=200 if container else 404
        )

    def _speaks(self, version: str) -> bool:
        oldest, newest = (_numbers(str(self.version[name])) for name in ("MinAPIVersion", "ApiVersion"))
        return oldest <= _numbers(version) <= newest

    def _line(self, container: dict[str, object]) -> dict[str, object]:
        state = container["State"]
        assert isinstance(state, dict)
        return {"Id": container["Id"], "Names": [container["Name"]], "State": state["Status"], "Image": "i"}

    async def _events(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        since, until = (_nanoseconds(request.query.get(name)) for name in ("since", "until"))
        for event in list(self.history):
            if since <= int(str(event["timeNano"])) <= (until or 1 << 63):
                await response.write(json.dumps(event).encode() + b"\n")
        stream: asyncio.Queue[bytes] = asyncio.Queue()
        if until:
            return response
        self.streams.add(stream)
        try:
            while piece := await stream.get():
                await response.write(piece)
        finally:
            self.streams.discard(stream)
        return response


@contextlib.asynccontextmanager
async def engine_at(path: str) -> AsyncIterator[Engine]:
    """An engine that listens for the length of a block."""
    engine = Engine(path)
    await engine.start()
    try:
        yield engine
    finally:
        await engine.stop()


def _split(path: str) -> tuple[str, str]:
    """The version that a path asks for, empty without one, and what it asks for."""
    match = re.match(r"/v(\d+\.\d+)(/.*)", path)
    return (match[1], match[2]) if match else ("", path)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version.split("."))


def _nanoseconds(text: str | None) -> int:
    whole, _, fraction = (text or "0").partition(".")
    return int(whole) * 10**9 + int(fraction or 0)
