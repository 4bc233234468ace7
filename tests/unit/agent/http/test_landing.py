"""The landing page."""

from __future__ import annotations

import base64
import hashlib
import re

from agent.http import landing
from agent.http.routes import ROUTES
from tests.unit.agent.http.conftest import Client
from tests.unit.agent.http.fakes import FakeApi


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
