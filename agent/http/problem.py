"""Errors as `application/problem+json`: a status, a title, and a `message` that names thing and remedy."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

import orjson
import structlog
from aiohttp import web

from agent.config.load import ConfigError
from agent.config.workloads import WorkloadFileError
from agent.http.route import PROBLEM
from agent.logs.service import QueryRefused
from agent.selectors import Ambiguous, NotFound, SelectorError
from runtime.linux.errors import DeckwatchError, Refused

log = structlog.get_logger()
REQUEST_FAILED = "http_request_failed"

BUSY = ("busy", "failed", "incomplete")


class HttpProblem(DeckwatchError):
    """An answer that is an error: its status, its one-line message, and more members if any."""

    def __init__(
        self, status: int, message: str, *, headers: dict[str, str] | None = None, **more: Any
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers or {}
        self.more = more

    def response(self) -> web.Response:
        """The answer."""
        body = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "message": self.message,
            **self.more,
        }
        return web.Response(
            status=self.status, body=orjson.dumps(body), content_type=PROBLEM, headers=self.headers
        )


def problem_of(error: Exception) -> HttpProblem | None:
    """What an error means to the one who asked; None when it is a fault of this program."""
    if isinstance(error, HttpProblem):
        return error
    if isinstance(error, NotFound):
        return HttpProblem(404, str(error))
    if isinstance(error, Ambiguous):
        return HttpProblem(409, str(error), candidates=list(error.candidates))
    if isinstance(error, SelectorError):
        return HttpProblem(400, str(error))
    if isinstance(error, QueryRefused):
        return HttpProblem(503 if error.reason in BUSY else 422, str(error), reason=error.reason)
    if isinstance(error, ConfigError | WorkloadFileError):
        return HttpProblem(422, str(error), errors=[str(one) for one in error.errors])
    if isinstance(error, Refused):
        return HttpProblem(422, str(error), key=error.key, remedy=error.remedy)
    if isinstance(error, DeckwatchError):
        return HttpProblem(409, str(error))
    if isinstance(error, web.HTTPException):
        return _of_aiohttp(error)
    return None


def _of_aiohttp(error: web.HTTPException) -> HttpProblem:
    messages = {
        404: "there is nothing at this path; GET /openapi.json lists all paths",
        405: f"this path takes {error.headers.get('Allow', 'another method')} only",
        413: "the body is too large",
    }
    headers = {name: error.headers[name] for name in ("Allow",) if name in error.headers}
    return HttpProblem(error.status, messages.get(error.status, error.reason), headers=headers)


@web.middleware
async def problems(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Answers every error as a problem; an unexpected one is logged and told apart from the caller's."""
    try:
        return await handler(request)
    except (DeckwatchError, web.HTTPException) as error:
        problem = problem_of(error)
        assert problem is not None
        return problem.response()
    except Exception:
        log.exception(REQUEST_FAILED, method=request.method, path=request.path)
        return HttpProblem(500, "the agent failed to answer; its log says why").response()
