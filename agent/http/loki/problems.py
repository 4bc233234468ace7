"""Errors with Loki's status codes; Grafana shows `message`, other clients `error`."""

from __future__ import annotations

import functools

from aiohttp import web

from agent.api import AgentApi
from agent.http.problem import HttpProblem, problem_of
from agent.http.route import Handler
from agent.logs.service import QueryRefused
from collectors.logs.logql.errors import LogQLError
from runtime.linux.errors import DeckwatchError

_STATUS = {"pattern": 400, "bytes": 400, "busy": 429, "timeout": 504}


def told(handler: Handler) -> Handler:
    """The handler, its errors as Loki would give them."""

    @functools.wraps(handler)
    async def tell(api: AgentApi, request: web.Request) -> web.StreamResponse:
        try:
            return await handler(api, request)
        except DeckwatchError as error:
            raise loki_problem(error) from error

    return tell


def loki_problem(error: DeckwatchError) -> HttpProblem:
    """What an error is here."""
    if isinstance(error, QueryRefused):
        status = _STATUS.get(error.reason, 500)
        headers = {"Retry-After": "1"} if status == 429 else {}
        return HttpProblem(status, str(error), headers=headers, error=str(error), reason=error.reason)
    if isinstance(error, LogQLError):
        return HttpProblem(400, str(error), error=str(error))
    problem = problem_of(error)
    assert problem is not None
    more = {**problem.more, "error": problem.message}
    return HttpProblem(problem.status, problem.message, headers=problem.headers, **more)
