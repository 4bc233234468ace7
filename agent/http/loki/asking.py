"""A request as a question to a query process, and its answer as it comes."""

from __future__ import annotations

from collections.abc import AsyncIterator

from aiohttp import web

from agent.api import AgentApi
from agent.http.logs import service
from agent.http.loki.problems import told
from agent.http.route import JSON, Handler, Parameter, Route
from agent.http.streaming import streamed
from agent.logs.service import LogService
from agent.rights import Right
from collectors.logs.loki.query import Kind, LokiQuery

BASE = "/loki/api/v1"
_FLAGS = "X-Loki-Response-Encoding-Flags"
CATEGORIZE = "categorize-labels"

QUERY = Parameter("query", "LogQL")
START = Parameter("start", "time in ns, in seconds, or RFC 3339; an hour before the end unless told")
END = Parameter("end", "time in ns, in seconds, or RFC 3339; now unless told")
SINCE = Parameter("since", "a duration before the end, instead of start")
LIMIT = Parameter("limit", "at most so many", kind="integer")
STEP = Parameter("step", "a duration or seconds")
RANGE = (START, END, SINCE)


async def answered(api: AgentApi, request: web.Request, kind: Kind, **words: object) -> web.StreamResponse:
    """The answer to a question; raises HttpProblem, QueryRefused."""
    logs = service(api)
    asked = question(api, logs, kind, categorize=categorizes(request), **words)
    return await streamed(request, JSON, _pieces(logs, asked))


def question(api: AgentApi, logs: LogService, kind: Kind, **words: object) -> LokiQuery:
    """A question about all containers that are known."""
    node, external = api.config.node, api.config.external_labels
    targets = list(logs.targets)
    return LokiQuery(kind=kind, targets=targets, node=node, external_labels=external, **words)  # type: ignore[arg-type]


def categorizes(request: web.Request) -> bool:
    """Whether the client wants a line's metadata and parsed labels told apart from its stream's labels."""
    return CATEGORIZE in (flag.strip() for flag in request.headers.get(_FLAGS, "").split(","))


async def _pieces(logs: LogService, query: LokiQuery) -> AsyncIterator[bytes]:
    async for piece in logs.loki(query):
        yield piece + b"\n"


def routes(path: str, handler: Handler, summary: str, *parameters: Parameter) -> tuple[Route, ...]:
    """A resource that is asked by GET, or by POST with a form."""
    answers = told(handler)
    return tuple(
        Route(method, BASE + path, answers, Right.LOGS, summary, parameters, schema={"type": "object"},
              statuses=(400, 429, 500, 503, 504))
        for method in ("GET", "POST")
    )  # fmt: skip
