"""The table of all routes and its application."""

from __future__ import annotations

from agent.http.routes import ROUTES
from tests.unit.agent.http.conftest import Client


def test_no_route_stands_twice() -> None:
    pairs = [(route.method, route.path) for route in ROUTES]
    assert len(pairs) == len(set(pairs))


async def test_every_answer_carries_the_security_headers(client: Client) -> None:
    for path in ("/", "/metrics", "/nothing", "/-/healthy"):
        headers = (await client.get(path)).headers
        assert headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Server"] == "deckwatch"


async def test_long_requests_are_refused(client: Client) -> None:
    assert (await client.get("/metrics?x=" + "a" * 9000)).status == 400
    assert (await client.put("/api/v1/workloads", data=b"x" * 10)).status == 403
