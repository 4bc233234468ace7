"""What the web configuration does to requests: headers, the rate limit, and following the file."""

from __future__ import annotations

import os
import pathlib

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from agent.conditions import Conditions
from agent.http import webrules
from agent.http.webconfig import WebConfig
from tests.unit.agent.http.conftest import Configure, Connect


def write(directory: pathlib.Path, text: str) -> None:
    (directory / "new").write_text(text)
    os.rename(directory / "new", directory / "web.yml")


HEADERS = """http_server_config:
  headers:
    X-Frame-Options: deny
    Strict-Transport-Security: max-age=60
    Content-Security-Policy: default-src 'self'
"""


async def test_headers_stand_on_every_answer(connect: Connect, configure: Configure) -> None:
    client = await connect(config=await configure(HEADERS))
    for path, status in (("/metrics", 200), ("/", 200), ("/nowhere", 404), ("/api/v1/workloads", 403)):
        answer = await client.get(path)
        assert answer.status == status
        assert answer.headers["X-Frame-Options"] == "deny"
        assert answer.headers["Strict-Transport-Security"] == "max-age=60"
        assert answer.headers.getall("Content-Security-Policy") == ["default-src 'self'"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_beyond_the_rate_limit_is_429(
    connect: Connect, configure: Configure, tmp_path: pathlib.Path
) -> None:
    client = await connect(config=await configure("rate_limit: {interval: 90s, burst: 3}"))
    paths = ("/metrics", "/nowhere", "/-/healthy", "/metrics", "/-/healthy")
    assert [(await client.get(path)).status for path in paths] == [200, 404, 200, 429, 429]
    refused = await client.get("/metrics")
    assert refused.headers["Retry-After"] == "90"
    assert "rate_limit" in (await refused.json())["message"]
    write(tmp_path, "rate_limit: {interval: 0}")
    assert (await client.get("/metrics")).status == 200


async def test_a_change_counts_from_the_next_request(
    connect: Connect, configure: Configure, tmp_path: pathlib.Path
) -> None:
    client = await connect(config=await configure(HEADERS))
    write(tmp_path, HEADERS.replace("deny", "sameorigin"))
    assert (await client.get("/metrics")).headers["X-Frame-Options"] == "sameorigin"


async def test_who_only_watches_follows_the_file_and_is_not_limited(tmp_path: pathlib.Path) -> None:
    write(tmp_path, f"{HEADERS}rate_limit: {{interval: 1h, burst: 1}}")
    conditions = Conditions()
    config = WebConfig(f"{tmp_path}/web.yml", conditions)
    await config.load()
    app = web.Application()

    async def told(request: web.Request) -> web.Response:
        return web.Response(text=" ".join(one.code for one in conditions.current()))

    app.router.add_get("/", told)
    webrules.watch(app, config)
    async with TestClient(TestServer(app)) as client:
        for _ in range(3):
            answer = await client.get("/")
            assert answer.status == 200 and "X-Frame-Options" not in answer.headers
            assert await answer.text() == ""
        write(tmp_path, "a: [")
        assert await (await client.get("/")).text() == "web_config_refused"
    config.close()
