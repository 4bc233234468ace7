"""GET /metrics."""

from __future__ import annotations

import aiohttp
import pytest

from tests.unit.agent.http.conftest import Client
from tests.unit.agent.http.fakes import FakeApi


async def test_the_body_is_streamed_in_the_negotiated_form(client: Client, api: FakeApi) -> None:
    answer = await client.get("/metrics", headers={"Accept": "text/plain", "Accept-Encoding": "identity"})
    assert answer.status == 200
    assert await answer.text() == "a 1\nb 2\n"
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.headers["Vary"] == "Accept, Accept-Encoding"
    assert api.scraped == [("text/plain", False, [])]


async def test_gzip_when_it_is_taken(api: FakeApi, client: Client) -> None:
    import gzip

    api.body = [gzip.compress(b"a 1\n")]
    answer = await client.get("/metrics", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert await answer.text() == "a 1\n"
    assert api.scraped[0][1] is True


async def test_collect_is_passed_on_and_checked(client: Client, api: FakeApi) -> None:
    assert (await client.get("/metrics?collect[]=cpu&collect[]=memory")).status == 200
    assert api.scraped[0][2] == ["cpu", "memory"]
    answer = await client.get("/metrics?collect[]=memmory")
    assert answer.status == 400
    assert (await answer.json())["message"] == "collect[]: no collector 'memmory'; did you mean memory?"
    assert (await client.get("/metrics?colect=cpu")).status == 400


async def test_a_scrape_that_fails_midway_is_no_whole_answer(client: Client, api: FakeApi) -> None:
    api.body = [b"a 1\n", b"!"]
    with pytest.raises(aiohttp.ClientError):
        await (await client.get("/metrics")).text()


async def test_a_scrape_that_fails_at_once_is_an_error(client: Client, api: FakeApi) -> None:
    api.body = [b"!"]
    answer = await client.get("/metrics")
    assert answer.status == 500
    assert "its log says why" in (await answer.json())["message"]


async def test_head_has_no_body(client: Client) -> None:
    answer = await client.head("/metrics")
    assert answer.status == 200
    assert await answer.read() == b""
