"""Errors as application/problem+json."""

from __future__ import annotations

from agent.http.problem import HttpProblem, problem_of
from agent.selectors import Ambiguous, NotFound
from runtime.linux.errors import DeckwatchError, Refused
from tests.unit.agent.http.conftest import Client


async def test_paths_and_methods_that_are_not_there(client: Client) -> None:
    answer = await client.get("/nothing")
    assert answer.status == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
    body = await answer.json(content_type=None)
    assert body["message"] == "there is nothing at this path; GET /openapi.json lists all paths"
    answer = await client.post("/metrics")
    assert answer.status == 405
    assert set(answer.headers["Allow"].split(",")) == {"GET", "HEAD"}


def test_what_each_error_means() -> None:
    found = {
        404: problem_of(NotFound("x", [])),
        409: problem_of(Ambiguous("x", ["a", "b"])),
        422: problem_of(Refused("image", "no", "use rootfs")),
        418: problem_of(HttpProblem(418, "tea")),
    }
    assert all(problem is not None and problem.status == status for status, problem in found.items())
    conflict = problem_of(DeckwatchError("owned by a file"))
    assert conflict is not None and (conflict.status, conflict.message) == (409, "owned by a file")
    assert problem_of(RuntimeError("bug")) is None
