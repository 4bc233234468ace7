"""The table of all routes and its application."""

from __future__ import annotations

from aiohttp.test_utils import TestClient, TestServer

from agent.http.routes import ROUTES, build_app
from tests.unit.agent.http.conftest import Client
from tests.unit.agent.http.fakes import FakeApi


def test_no_route_stands_twice() -> None:
    pairs = [(route.method, route.path) for route in ROUTES]
    assert len(pairs) == len(set(pairs))


async def test_every_answer_carries_the_security_headers(client: Client) -> None:
    for path in ("/", "/metrics", "/nothing", "/-/healthy"):
        headers = (await client.get(path)).headers
        assert headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Server"] == "deckwatch"


async def test_answers_are_counted_by_route(api: FakeApi) -> None:
    counted: list[tuple[str, int]] = []
    app = build_app(api, listener="loopback", answered=lambda route, status: counted.append((route, status)))
    async with TestClient(TestServer(app)) as client:
        for path in ("/-/healthy", "/api/v1/containers/web", "/api/v1/containers/nobody", "/no"):
            await client.get(path)
    container = "/api/v1/containers/{id}"
    assert counted == [("/-/healthy", 200), (container, 200), (container, 404), ("", 404)]


async def test_long_requests_are_refused(client: Client) -> None:
    assert (await client.get("/metrics?x=" + "a" * 9000)).status == 400
    assert (await client.put("/api/v1/workloads", data=b"x" * 10)).status == 403
