"""The landing page."""

from __future__ import annotations

import base64
import hashlib
import re
import time

import msgspec

from agent.http import landing
from agent.http.routes import ROUTES
from tests.unit.agent.http.conftest import Client
from tests.unit.agent.http.fakes import POD, WEB, FakeApi


async def test_the_page_has_links_that_work_and_asks_nobody_else(client: Client) -> None:
    answer = await client.get("/")
    text = await answer.text()
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert not re.search(r'(src|href)="(https?:)?//', text)
    assert "<script" not in text
    for path in re.findall(r'href="([^"]+)"', text):
        if path != "/openapi.json":
            assert (await client.get(path.replace("&amp;", "&"))).status == 200, path
    style = base64.b64encode(hashlib.sha256(landing.STYLE.encode()).digest()).decode()
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'") and f"style-src 'sha256-{style}'" in policy
    assert f"<style>{landing.STYLE}</style>" in text


def test_what_comes_from_outside_is_escaped(api: FakeApi) -> None:
    assert "&lt;refused&gt;" in landing.page(api)
    assert "<refused>" not in landing.page(api)


def test_each_link_is_a_route() -> None:
    paths = {route.path for route in ROUTES}
    assert {link.partition("?")[0] for link, _ in landing.LINKS} <= paths


def test_each_container_has_its_row_with_links(api: FakeApi) -> None:
    hostile = msgspec.structs.replace(WEB, name="<b>", started_at=time.time() - 300)
    api.containers = lambda *, dead=False: [hostile]  # type: ignore[method-assign]
    text = landing.page(api)
    assert '<a href="/api/v1/containers/%2Fdocker%2Faaaabbbbcccc">&lt;b&gt;</a>' in text
    assert '<a href="/api/v1/containers/%2Fdocker%2Faaaabbbbcccc/logs?limit=100">logs</a>' in text
    assert "<td>running</td><td>5m</td><td>0</td><td>docker</td><td>nginx:1</td>" in text


def test_without_containers_it_says_so_and_of_many_it_shows_some(api: FakeApi) -> None:
    api.containers = lambda *, dead=False: []  # type: ignore[method-assign]
    assert "None runs here" in landing.page(api)
    api.containers = lambda *, dead=False: [WEB] * (landing.MOST + 3)  # type: ignore[method-assign]
    text = landing.page(api)
    assert "… and 3 more" in text and text.count("nginx:1") == landing.MOST


def test_only_containers_stand_in_its_list(api: FakeApi) -> None:
    api.list.append(POD)
    assert "web-1" not in landing.page(api)
