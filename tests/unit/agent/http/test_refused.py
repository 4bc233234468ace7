"""Paths that are promised and not served yet."""

from __future__ import annotations

import pytest

from tests.unit.agent.http.conftest import Client


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/images",
        "/api/v1/images/x",
        "/api/v1/workloads/a/exec",
    ],
)
async def test_they_are_refused_by_name(control: Client, path: str) -> None:
    answer = await control.get(path)
    body = await answer.json(content_type=None)
    assert (answer.status, "is not in this version; " in body["message"]) == (501, True)


async def test_rights_come_first(client: Client) -> None:
    assert (await client.post("/api/v1/workloads/a/exec")).status == 403
