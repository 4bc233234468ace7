"""One answer of Podman's service, recorded from 4.3 and 5, and services that misbehave."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web

from collectors.inventory.podman.api import PATH, PodmanAway, listed
from collectors.inventory.podman.facts import Known
from tests.unit.collectors.inventory.tree import id_of

ANSWER = [
    {
        "AutoRemove": False, "Command": ["sh"], "Created": "2026-11-24T08:10:10.034186372Z", "CreatedAt": "",
        "Exited": True, "ExitedAt": 1795507810, "ExitCode": 3, "Id": id_of("a"), "Image": "localhost/i:1",
        "ImageID": "cdc4", "IsInfra": False, "Labels": {"team": "a"}, "Mounts": [], "Names": ["a"],
        "Namespaces": {}, "Networks": [], "Pid": 0, "Pod": "17", "PodName": "shop", "Ports": None, "Size": None,
        "StartedAt": 1795507810, "State": "exited", "Status": "",
    },
    {
        "Id": id_of("b"), "Exited": False, "ExitedAt": -62135596800, "ExitCode": 0, "IsInfra": True, "Labels": None,
        "Names": ["b"], "Pod": "17", "PodName": "shop", "Restarts": 2, "State": "running",
    },
    {"Id": id_of("c"), "Exited": False, "ExitedAt": -62135596800, "ExitCode": 0, "State": "created"},
]  # fmt: skip


@contextlib.asynccontextmanager
async def service(
    path: str, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> AsyncIterator[None]:
    """A service that answers everything alike."""
    app = web.Application()
    app.router.add_get("/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.UnixSite(runner, path).start()
    try:
        yield
    finally:
        await runner.cleanup()


async def test_all_containers_by_one_call(tmp_path: Path) -> None:
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(str(request.rel_url))
        return web.json_response(ANSWER)

    async with service(f"{tmp_path}/s", answer):
        known = await listed(f"{tmp_path}/s")
    assert asked == [f"{PATH}?all=true"]
    assert known == {
        id_of("a"): Known(
            labels={"team": "a"}, pod_id="17", pod_name="shop", exit_code=3, finished_at=1795507810.0
        ),
        id_of("b"): Known(pod_id="17", pod_name="shop", infra=True, restarts=2),
        id_of("c"): Known(begun=False),
    }


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (500, b'{"message":"broken"}', "with 500: .*broken"),
        (200, b'{"a": 1}', "something else"),
        (200, b"not even JSON", "something else"),
    ],
)
async def test_other_answers_are_named(tmp_path: Path, status: int, body: bytes, reason: str) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=status, body=body)

    async with service(f"{tmp_path}/s", answer):
        with pytest.raises(PodmanAway, match=reason):
            await listed(f"{tmp_path}/s")


async def test_no_container_may_be_spelled_null(tmp_path: Path) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.json_response(json.loads("null"))

    async with service(f"{tmp_path}/s", answer):
        assert await listed(f"{tmp_path}/s") == {}


async def test_a_service_that_hangs_or_is_not_there_is_away(tmp_path: Path) -> None:
    async def hang(request: web.Request) -> web.Response:
        await asyncio.Event().wait()
        return web.Response()

    async with service(f"{tmp_path}/s", hang):
        with pytest.raises(PodmanAway, match=r"does not answer within 0\.1 s"):
            await listed(f"{tmp_path}/s", timeout=0.1)
    with pytest.raises(PodmanAway, match=r"cannot reach .*/none: No such file"):
        await listed(f"{tmp_path}/none")
