"""Rights by listener, token, Host header and peer."""

from __future__ import annotations

import pathlib

import pytest

from agent.http.auth import group_id
from agent.rights import Tokens
from tests.unit.agent.http.conftest import Client, Connect

PATHS = {
    "/metrics": "scrape",
    "/sd/targets": "scrape",
    "/api/v1/containers": "metrics",
    "/": "metrics",
    "/openapi.json": "metrics",
    "/api/v1/logs": "logs",
    "/api/v1/events": "events",
    "/api/v1/workloads": "control",
    "/-/healthy": "",
    "/-/ready": "",
}


async def statuses(client: Client, **headers: str) -> dict[str, int]:
    return {path: (await client.get(path, headers=headers)).status for path in PATHS}


def allowed(found: dict[str, int]) -> set[str]:
    return {PATHS[path] for path, status in found.items() if status == 200} - {""}


async def test_loopback_grants_all_but_control(connect: Connect) -> None:
    found = await statuses(await connect("loopback"))
    assert allowed(found) == {"scrape", "metrics", "logs", "events"}
    assert found["/api/v1/workloads"] == 403


async def test_any_other_listener_grants_scraping_and_health_alone(connect: Connect) -> None:
    found = await statuses(await connect("open"), Host="node7.example")
    assert allowed(found) == {"scrape"}
    assert found["/-/healthy"] == found["/-/ready"] == 200
    assert found["/api/v1/logs"] == found["/"] == 403


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:9780",
        "localhost.evil.example",
        "10.0.0.1",
        "[::2]:1",
        "",
        "[::1].evil",
        "localhost:1@evil",
        "127.0.0.1:1:2",
    ],
)
async def test_loopback_answers_to_its_own_name_only(connect: Connect, host: str) -> None:
    client = await connect("loopback")
    answer = await client.get("/api/v1/containers", headers={"Host": host})
    assert answer.status == 421


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:9780", "127.0.0.1:1", "127.1.2.3", "[::1]:9780", "[::1]"]
)
async def test_names_of_loopback(connect: Connect, host: str) -> None:
    client = await connect("loopback")
    assert (await client.get("/api/v1/containers", headers={"Host": host})).status == 200


async def test_tokens_grant_their_rights_on_every_tcp_listener(
    connect: Connect, tmp_path: pathlib.Path
) -> None:
    file = tmp_path / "tokens.yaml"
    file.write_text("tokens: [{name: grafana, token: 0123456789abcdef, rights: [metrics, logs]}]")
    for listener in ("loopback", "open"):
        client = await connect(listener, Tokens(str(file)))
        found = await statuses(client, Authorization="Bearer 0123456789abcdef", Host="node7.example")
        assert allowed(found) == {"scrape", "metrics", "logs"}
        assert found["/api/v1/workloads"] == found["/api/v1/events"] == 403
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic 0123456789abcdef"}):
            found = await statuses(client, **headers)
            assert allowed(found) == set()
            assert found["/-/healthy"] == 200
        answer = await client.get("/metrics")
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_groups_by_name_and_number() -> None:
    assert group_id("0") == group_id("root") == 0
    assert group_id("no-such-group") == -1
