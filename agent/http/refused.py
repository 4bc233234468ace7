"""Paths that are promised and not served yet: refused by name, so that nobody takes them for a typing error."""

from __future__ import annotations

from aiohttp import web

from agent.api import AgentApi
from agent.http.problem import HttpProblem
from agent.http.route import Handler
from agent.rights import Right

# path pattern: (right that it will need, what it is, what to use instead)
PATHS: dict[str, tuple[Right, str, str]] = {
    "/api/v1/images{rest:.*}": (Right.CONTROL, "the API of images", "use workloads with rootfs"),
    "/api/v1/workloads/{name}/exec": (Right.CONTROL, "exec over the API", "use nsenter on this host"),
}


def refusal(path: str) -> Handler:
    """The handler of one of these paths."""
    _, what, instead = PATHS[path]

    async def refuse(api: AgentApi, request: web.Request) -> web.StreamResponse:
        raise HttpProblem(501, f"{what} is not in this version; {instead}")

    return refuse
