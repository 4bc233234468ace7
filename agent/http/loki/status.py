"""`/status/buildinfo`, `/drilldown-limits` and `/ready`: what Grafana asks of a Loki before it asks for logs."""

from __future__ import annotations

import importlib.metadata
import platform

from aiohttp import web

from agent.api import AgentApi
from agent.http import answer
from agent.http.loki.asking import routes
from agent.http.loki.index import MAX_VOLUMES
from agent.http.route import Route
from agent.rights import Right
from collectors.logs.loki.query import MAX_LIMIT

LIKE = "3.5.0"
"""The version of Loki whose read API this is: clients choose by it what they ask."""
MAX_SERIES = 500
_LEVEL_FIELDS = ("level", "detected_level")
_TEXT = "text/plain"


async def buildinfo(api: AgentApi, request: web.Request) -> web.StreamResponse:
    """Which Loki this is like."""
    version = importlib.metadata.version("deckwatch")
    return answer.json(
        {
            "version": LIKE,
            "revision": f"deckwatch-{version}",
            "branch": "",
            "buildUser": "",
            "buildDate": "",
            "goVersion": f"python{platform.python_version()}",
        }
    )


async def limits(api: AgentApi, request: web.Request) -> web.StreamResponse:
    """The limits by which Grafana's Logs Drilldown arranges its page."""
    seconds = f"{api.config.query.timeout:g}s"
    return answer.json(
        {
            "limits": {
                "discover_log_levels": True,
                "discover_service_name": ["service_name"],
                "log_level_fields": list(_LEVEL_FIELDS),
                "max_entries_limit_per_query": MAX_LIMIT,
                "max_line_size_truncate": True,
                "max_query_bytes_read": str(api.config.query.max_bytes),
                "max_query_length": "0s",
                "max_query_lookback": "0s",
                "max_query_range": "0s",
                "max_query_series": MAX_SERIES,
                "metric_aggregation_enabled": False,
                "otlp_config": {},
                "pattern_persistence_enabled": False,
                "query_timeout": seconds,
                "retention_period": "0s",
                "retention_stream": [],
                "volume_enabled": True,
                "volume_max_series": MAX_VOLUMES,
            },
            "pattern_ingester_enabled": False,
            "version": LIKE,
        }
    )


async def ready(api: AgentApi, request: web.Request) -> web.StreamResponse:
    """Loki's own check: whether the inventory is complete and logs are on."""
    if api.logs is None:
        return web.Response(status=503, text="logs are off in the configuration; set logs.enabled: true\n")
    if not api.ready():
        return web.Response(status=503, text="the inventory is not complete yet; ask again\n")
    return web.Response(text="ready\n")


ROUTES = (
    *routes("/status/buildinfo", buildinfo, "The version of Loki that this is like"),
    *routes("/drilldown-limits", limits, "Limits that Logs Drilldown keeps"),
    Route("GET", "/ready", ready, Right.LOGS, "Whether queries are answered", answers=_TEXT, statuses=(503,)),
)
