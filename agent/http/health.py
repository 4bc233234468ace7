"""`/-/healthy`, `/-/ready` and `/-/reload`: what probes and operators ask."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from agent.api import AgentApi
from agent.http import answer
from agent.http.finish import finish
from agent.http.route import Route
from agent.rights import Right

READY = {
    "type": "object",
    "required": ["ready", "conditions"],
    "properties": {
        "ready": {"type": "boolean"},
        "conditions": {"type": "array", "items": {"$ref": "#/components/schemas/Condition"}},
    },
}


async def healthy(api: AgentApi, request: web.Request) -> web.StreamResponse:
    """The event loop answers, which is all that this says."""
    return answer.json({"healthy": True})


async def ready(api: AgentApi, request: web.Request) -> web.StreamResponse:
    """200 once the inventory is complete and the listeners are up; what is degraded stands in the body."""
    body: dict[str, Any] = {
        "ready": api.ready(),
        "conditions": [
            {"code": one.code, "severity": one.severity, "text": one.text, "remedy": one.remedy}
            for one in api.conditions()
        ],
    }
    return answer.json(body, 200 if body["ready"] else 503)


async def reload(api: AgentApi, request: web.Request) -> web.StreamResponse:
    """Read the configuration again; a bad one changes nothing and is told with all its errors."""
    await finish(api.reload())
    return answer.json({"reloaded": True})


ROUTES = (
    Route("GET", "/-/healthy", healthy, None, "Whether the agent answers", schema={"type": "object"}),
    Route("GET", "/-/ready", ready, None, "Whether the agent is complete", schema=READY, statuses=(503,)),
    Route(
        "POST",
        "/-/reload",
        reload,
        Right.CONTROL,
        "Read the configuration again",
        schema={"type": "object"},
        statuses=(422,),
    ),
)
