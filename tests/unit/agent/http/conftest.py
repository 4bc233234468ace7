"""Fixtures of the HTTP tests: a small agent, and clients on each kind of listener."""

from __future__ import annotations

import pathlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from agent.conditions import Conditions
from agent.http import webrules
from agent.http.app import build_app
from agent.http.webconfig import WebConfig
from agent.rights import Tokens
from tests.unit.agent.http.fakes import FakeApi

Client = TestClient[web.Request, web.Application]
Connect = Callable[..., Awaitable[Client]]
Configure = Callable[[str], Awaitable[WebConfig]]


@pytest.fixture
async def configure(tmp_path: pathlib.Path) -> AsyncIterator[Configure]:
    """The web configuration of a text; its file is `web.yml` in the test's directory."""
    made: list[WebConfig] = []

    async def load(text: str) -> WebConfig:
        file = tmp_path / "web.yml"
        file.write_text(text)
        made.append(WebConfig(str(file), Conditions()))
        await made[-1].load()
        return made[-1]

    yield load
    for one in made:
        one.close()


@pytest.fixture
def api(tmp_path: pathlib.Path) -> Iterator[FakeApi]:
    one = FakeApi(str(tmp_path))
    yield one
    one.events.close()


@pytest.fixture
async def connect(api: FakeApi) -> AsyncIterator[Connect]:
    clients: list[Client] = []

    async def open_client(
        listener: str = "loopback", tokens: Tokens | None = None, config: WebConfig | None = None
    ) -> Client:
        app = build_app(api, listener=listener, tokens=tokens)
        if config is not None:
            webrules.install(app, config)
        client = TestClient(TestServer(app))
        await client.start_server()
        clients.append(client)
        return client

    yield open_client
    for client in clients:
        await client.close()


@pytest.fixture
async def client(connect: Connect) -> Client:
    return await connect()


@pytest.fixture
async def control(api: FakeApi, tmp_path: pathlib.Path) -> AsyncIterator[Client]:
    """A client with all rights, over a token."""
    file = tmp_path / "tokens.yaml"
    file.write_text("tokens: [{name: t, token: 0123456789abcdef, rights: [control, metrics, logs, events]}]")
    app = build_app(api, listener="loopback", tokens=Tokens(str(file)))
    client: Client = TestClient(TestServer(app), headers={"Authorization": "Bearer 0123456789abcdef"})
    await client.start_server()
    yield client
    await client.close()
