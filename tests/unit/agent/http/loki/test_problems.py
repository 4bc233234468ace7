"""Errors with Loki's status codes."""

from __future__ import annotations

import json

import pytest
from yarl import URL

from agent.http.loki.problems import loki_problem
from agent.http.problem import HttpProblem
from agent.logs.service import QueryRefused
from collectors.logs.logql.errors import LogQLError
from tests.unit.agent.http.conftest import Client
from tests.unit.agent.http.fakes import FakeApi


@pytest.mark.parametrize(
    ("reason", "status"),
    [("pattern", 400), ("bytes", 400), ("busy", 429), ("timeout", 504), ("failed", 500), ("incomplete", 500)],
)
def test_a_refused_query(reason: str, status: int) -> None:
    problem = loki_problem(QueryRefused(reason, "because"))
    assert (problem.status, problem.message, problem.more["error"]) == (status, "because", "because")


def test_other_errors_keep_their_status_and_get_loki_s_key() -> None:
    body = json.loads(loki_problem(HttpProblem(503, "logs are off")).response().body or b"")
    assert (body["status"], body["message"], body["error"]) == (503, "logs are off", "logs are off")
    assert loki_problem(LogQLError("x", 1, 2)).status == 400


async def test_a_query_that_is_none_is_told_with_its_place(client: Client, log: object) -> None:
    answer = await client.get("/loki/api/v1/query_range", params={"query": '{name="web"} | frob'})
    body = await answer.json(content_type=None)
    assert answer.status == 400
    assert body["message"].startswith("parse error at line 1, col 20:")
    assert body["error"] == body["message"]


async def test_bytes_that_are_no_text_are_the_caller_s_fault(client: Client, log: object) -> None:
    address = URL("/loki/api/v1/query_range?query=%7Bname%3D%22%FF%22%7D%ed%a0%80", encoded=True)
    answer = await client.get(address)
    assert answer.status == 400, await answer.text()


async def test_logs_that_are_off(client: Client, api: FakeApi) -> None:
    api.logs = None
    for path in ("query", "labels", "tail?query={a=`b`}"):
        answer = await client.get(f"/loki/api/v1/{path}")
        assert (answer.status, "logs.enabled" in (await answer.json(content_type=None))["error"]) == (
            503,
            True,
        )
