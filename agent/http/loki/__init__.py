"""Loki's read API, as Grafana's data source calls it, over the logs of this host. docs/loki.md."""

from __future__ import annotations

from agent.http.loki import detected, index, labels, queries, status, tail
from agent.http.route import Route

ROUTES: tuple[Route, ...] = tuple(
    route for resource in (queries, labels, index, detected, status, tail) for route in resource.ROUTES
)
