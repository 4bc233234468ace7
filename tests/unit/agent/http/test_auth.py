"""Rights by listener, token, Host header and peer."""

from __future__ import annotations

import base64
import os
import pathlib

import bcrypt
import pytest

from agent.http.auth import group_id
from agent.rights import Tokens
from tests.unit.agent.http.conftest import Client, Configure, Connect

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


USERS = f"basic_auth_users: {{alice: {bcrypt.hashpw(b'secret', bcrypt.gensalt(4)).decode()}}}\n"
ALICE = "Basic " + base64.b64encode(b"alice:secret").decode()
WRONG = "Basic " + base64.b64encode(b"alice:Secret").decode()
NOBODY = "Basic " + base64.b64encode(b"nobody:secret").decode()


async def test_a_user_has_all_but_control_on_every_tcp_listener(
    connect: Connect, configure: Configure
) -> None:
    for listener in ("loopback", "open"):
        client = await connect(listener, config=await configure(USERS))
        found = await statuses(client, Authorization=ALICE, Host="node7.example")
        assert allowed(found) == {"scrape", "metrics", "logs", "events"}
        assert found["/api/v1/workloads"] == 403
        for header in (WRONG, NOBODY, "Basic", "Basic x", "Bearer 0123456789abcdef", "Digest a", ""):
            found = await statuses(client, Authorization=header)
            assert allowed(found) == set()
            assert found["/api/v1/workloads"] == 401
            assert found["/-/healthy"] == found["/-/ready"] == 200
        answer = await client.get("/metrics", headers={"Authorization": WRONG})
        assert answer.headers["WWW-Authenticate"] == 'Basic realm="deckwatch", charset="UTF-8"'
        assert "basic_auth_users" in (await answer.json())["message"]


async def test_a_token_and_a_password_are_each_enough(
    connect: Connect, configure: Configure, tmp_path: pathlib.Path
) -> None:
    file = tmp_path / "tokens.yaml"
    file.write_text("tokens: [{name: deploy, token: 0123456789abcdef, rights: [control]}]")
    client = await connect("open", Tokens(str(file)), await configure(USERS))
    assert allowed(await statuses(client, Authorization=ALICE)) == {"scrape", "metrics", "logs", "events"}
    assert allowed(await statuses(client, Authorization="Bearer 0123456789abcdef")) == {"control"}
    for headers in ({}, {"Authorization": WRONG}, {"Authorization": "Bearer wrong"}):
        answer = await client.get("/metrics", headers=headers)
        assert answer.status == 401
        challenge = answer.headers["WWW-Authenticate"]
        assert challenge.startswith("Basic ") and ', Bearer realm="deckwatch"' in challenge


@pytest.mark.parametrize("text", ["http_server_config: {http2: false}", "rate_limit: {interval: 0}"])
async def test_a_web_configuration_that_asks_for_nobodys_name_changes_no_rights(
    connect: Connect, configure: Configure, text: str
) -> None:
    client = await connect("open", config=await configure(text))
    assert allowed(await statuses(client)) == {"scrape"}
    client = await connect("loopback", config=await configure(text))
    assert allowed(await statuses(client)) == {"scrape", "metrics", "logs", "events"}
    assert (await client.get("/metrics", headers={"Host": "evil.example"})).status == 421


async def test_users_come_and_change_with_the_file(
    connect: Connect, configure: Configure, tmp_path: pathlib.Path
) -> None:
    client = await connect("loopback", config=await configure("rate_limit: {interval: 0}"))
    assert (await client.get("/metrics")).status == 200
    (tmp_path / "new").write_text(USERS)
    os.rename(tmp_path / "new", tmp_path / "web.yml")
    assert (await client.get("/metrics")).status == 401
    assert (await client.get("/metrics", headers={"Authorization": ALICE})).status == 200


def test_groups_by_name_and_number() -> None:
    assert group_id("0") == group_id("root") == 0
    assert group_id("no-such-group") == -1
