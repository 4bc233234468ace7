"""`GET /`: a plain page with the containers and links, that asks nothing of any other host."""

from __future__ import annotations

import html
import importlib.metadata
import time
import urllib.parse
from collections.abc import Sequence

from aiohttp import web

from agent.api import AgentApi
from agent.http.route import Route
from agent.lifecycle.roles import is_listed
from agent.rights import Right
from agent.units import format_age
from collectors.model import Container, State

MOST = 200
LINKS = (
    ("/metrics", "what every container uses, for Prometheus"),
    ("/sd/targets", "what asks to be scraped, for Prometheus' http_sd"),
    ("/api/v1/containers?all=1", "all containers"),
    ("/api/v1/logs?since=5m&limit=100", "what they printed in the last five minutes"),
    ("/api/v1/events", "what happened to them"),
    ("/-/ready", "whether this agent is complete, and what is degraded"),
    ("/openapi.json", "this API described in OpenAPI 3.1"),
)
STYLE = (
    ":root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}"
    "body{max-width:52rem;margin:3rem auto;padding:0 1rem}code{font-size:.95em}"
    "table{border-collapse:collapse;width:100%}"
    "td,th{padding:.2rem 1rem .2rem 0;vertical-align:top;text-align:left;overflow-wrap:anywhere}"
)


async def get(api: AgentApi, request: web.Request) -> web.StreamResponse:
    """The page."""
    return web.Response(text=page(api), content_type="text/html", charset="utf-8")


def page(api: AgentApi) -> str:
    """The page's text: this host, its containers, links, and what is degraded."""
    node = html.escape(api.config.node)
    version = html.escape(importlib.metadata.version("deckwatch"))
    wrong = "".join(f"<li>{html.escape(one.line())}</li>" for one in api.conditions())
    degraded = f"<h2>Degraded</h2><ul>{wrong}</ul>" if wrong else ""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>deckwatch on {node}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body>'
        f"<h1>deckwatch on {node}</h1>{degraded}"
        f"<h2>Containers</h2>{_containers([one for one in api.containers() if is_listed(one)])}"
        f"<h2>Ask</h2><table>{_links()}</table><p>Version {version}</p></body></html>\n"
    )


def _containers(found: Sequence[Container]) -> str:
    if not found:
        return "<p>None runs here, as far as this agent can see.</p>"
    now = time.time()
    rows = "".join(_container(one, now) for one in found[:MOST])
    more = f"<p>… and {len(found) - MOST} more</p>" if len(found) > MOST else ""
    head = "".join(
        f"<th>{name}</th>" for name in ("Name", "State", "Since", "Restarts", "Engine", "Image", "")
    )
    return f"<table><tr>{head}</tr>{rows}</table>{more}"


def _container(one: Container, now: float) -> str:
    path = f"/api/v1/containers/{urllib.parse.quote(one.id, safe='')}"
    since = one.started_at if one.state in (State.RUNNING, State.PAUSED) else one.finished_at
    age = format_age(now - since) if since else "-"
    name = "/".join((one.namespace, one.pod, one.container or "POD")) if one.pod else one.name or one.id
    cells = (str(one.state), age, str(one.restarts), one.engine, one.image or "-")
    return (
        f'<tr><td><a href="{path}">{html.escape(name)}</a></td>'
        + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells)
        + f'<td><a href="{path}/logs?limit=100">logs</a></td></tr>'
    )


def _links() -> str:
    return "".join(
        f'<tr><td><a href="{html.escape(path)}"><code>{html.escape(path)}</code></a></td>'
        f"<td>{html.escape(text)}</td></tr>"
        for path, text in LINKS
    )


ROUTES = (Route("GET", "/", get, Right.METRICS, "A page with links", answers="text/html"),)
