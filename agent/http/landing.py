"""`GET /`: a plain page with links, that asks nothing of any other host."""

from __future__ import annotations

import html
import importlib.metadata

from aiohttp import web

from agent.api import AgentApi
from agent.http.route import Route
from agent.rights import Right

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
    "body{max-width:42rem;margin:3rem auto;padding:0 1rem}code{font-size:.95em}"
    "table{border-collapse:collapse;width:100%}td{padding:.3rem .6rem .3rem 0;vertical-align:top}"
)


async def get(api: AgentApi, request: web.Request) -> web.StreamResponse:
    """The page."""
    return web.Response(text=page(api), content_type="text/html", charset="utf-8")


def page(api: AgentApi) -> str:
    """The page's text: this host, its links, and what is degraded."""
    node = html.escape(api.config.node)
    version = html.escape(importlib.metadata.version("deckwatch"))
    rows = "".join(
        f'<tr><td><a href="{html.escape(path)}"><code>{html.escape(path)}</code></a></td>'
        f"<td>{html.escape(text)}</td></tr>"
        for path, text in LINKS
    )
    wrong = "".join(f"<li>{html.escape(one.line())}</li>" for one in api.conditions())
    degraded = f"<h2>Degraded</h2><ul>{wrong}</ul>" if wrong else ""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>deckwatch on {node}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body>'
        f"<h1>deckwatch on {node}</h1><p>{len(api.containers())} containers. Version {version}.</p>"
        f"<table>{rows}</table>{degraded}</body></html>\n"
    )


ROUTES = (Route("GET", "/", get, Right.METRICS, "A page with links", answers="text/html"),)
