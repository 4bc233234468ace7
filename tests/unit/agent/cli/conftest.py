"""Fixtures of the command line's tests: an agent of a few lines at a real socket, and a way to call commands."""

from __future__ import annotations

import asyncio
import pathlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import msgspec
import pytest

from agent.cli import execute
from agent.conditions import Conditions
from agent.http.app import Servers
from tests.unit.agent.http.fakes import FakeApi


@dataclass
class Result:
    """What a command did."""

    code: int
    out: str
    err: str


Call = Callable[..., Result]


@dataclass
class Running:
    """An agent at a socket, its loop in a thread of its own."""

    api: FakeApi
    socket: str
    loop: asyncio.AbstractEventLoop

    def do(self, action: Callable[[], object]) -> None:
        """Run something on the agent's loop."""
        done = threading.Event()
        self.loop.call_soon_threadsafe(lambda: (action(), done.set()))
        assert done.wait(10)


@pytest.fixture
def agent(tmp_path: pathlib.Path) -> Iterator[Running]:
    path = str(tmp_path / "d.sock")
    started: list[Running] = []
    ready, stop = threading.Event(), asyncio.Event()

    async def serve() -> None:
        api = FakeApi(str(tmp_path))
        server = msgspec.structs.replace(api.config.server, socket=path, listen=())
        api.config = msgspec.structs.replace(api.config, server=server)
        servers = Servers(api, Conditions())
        await servers.start()
        started.append(Running(api, path, asyncio.get_running_loop()))
        ready.set()
        await stop.wait()
        await servers.stop()
        api.events.close()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert ready.wait(20)
    yield started[0]
    started[0].loop.call_soon_threadsafe(stop.set)
    thread.join(20)


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Call:
    """Call the command line with no agent known but by its options."""
    for name in ("DECKWATCH_SOCKET", "DECKWATCH_CONFIG", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: str) -> Result:
        capsys.readouterr()
        code = execute(list(arguments))
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return run


@pytest.fixture
def ask(call: Call, agent: Running) -> Call:
    """Call a command that asks the agent of this test."""
    return lambda *arguments: call(*arguments, "--socket", agent.socket)
