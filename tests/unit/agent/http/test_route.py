"""Routes as data."""

from __future__ import annotations

import re

import pytest

from agent.http.route import Route
from agent.http.routes import ROUTES
from agent.rights import Right


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_each_route_is_complete(route: Route) -> None:
    assert route.summary
    named = {one.name for one in route.parameters if one.place == "path"}
    assert named == set(re.findall(r"{(\w+)}", route.path))
    reads = any(one.path == route.path and one.method == "GET" for one in ROUTES)
    if route.method != "GET" and not (
        reads and route.path.startswith("/loki/")
    ):  # Loki's API reads by POST too
        assert route.right is Right.CONTROL
