"""The client bounds every wait and size, and says what is wrong with an engine that does not answer."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from collectors.inventory.docker import api as dockerapi
from collectors.inventory.docker.api import (
    AnswerTooLarge,
    DockerApi,
    DockerEvent,
    EngineAway,
    negotiated,
    seconds_text,
)
from tests.unit.collectors.inventory.engine import Engine, engine_at


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    async with engine_at(f"{tmp_path}/d.sock") as engine:
        yield engine


@pytest.mark.parametrize(
    ("newest", "oldest", "spoken"),
    [("1.41", "1.12", "1.41"), ("1.51", "1.24", "1.41"), ("1.30", "1.12", "1.30"), ("1.60", "1.44", "1.44")],
)
def test_the_version_nearest_to_the_preferred_is_spoken(newest: str, oldest: str, spoken: str) -> None:
    assert negotiated(newest, oldest) == spoken


def test_times_keep_their_nanoseconds() -> None:
    assert seconds_text(1795492076794009664) == "1795492076.794009664"
    assert seconds_text(1_000_000_005) == "1.000000005"


async def test_an_absent_socket_is_named_with_its_remedy(tmp_path: Path) -> None:
    with pytest.raises(
        EngineAway, match=r"cannot reach .*/none.sock: No such file.*; start the engine, or set"
    ):
        async with DockerApi(f"{tmp_path}/none.sock"):
            pass


async def test_a_socket_that_nobody_listens_on_is_named(tmp_path: Path) -> None:
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(f"{tmp_path}/dead.sock")
    dead.close()
    with pytest.raises(EngineAway, match=r"dead.sock: .*; start the engine"):
        async with DockerApi(f"{tmp_path}/dead.sock"):
            pass


async def test_a_socket_without_permission_names_the_group(engine: Engine) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root to become a user without permission")
    os.chmod(engine.path, 0o600)
    for directory in Path(engine.path).parents[:2]:
        os.chmod(directory, 0o755)
    os.seteuid(65534)
    try:
        with pytest.raises(EngineAway, match="Permission denied; run as root or add this user"):
            async with DockerApi(engine.path):
                pass
    finally:
        os.seteuid(0)


async def test_an_engine_that_hangs_is_given_up(engine: Engine) -> None:
    engine.hanging.add("/version")
    with pytest.raises(EngineAway, match=r"does not answer /version within 0.1 s"):
        async with DockerApi(engine.path, timeout=0.1):
            pass


async def test_something_else_behind_the_socket_is_said(engine: Engine) -> None:
    engine.raw["/version"] = b"<html>"
    with pytest.raises(EngineAway, match="answers /version with something else"):
        async with DockerApi(engine.path):
            pass


async def test_list_and_inspection(engine: Engine) -> None:
    engine.add("a")
    async with DockerApi(engine.path) as api:
        await api.ping()
        assert [one.id for one in await api.containers()] == ["a"]
        told = await api.inspect("a")
        assert told is not None and told.name == "/a"
        assert await api.inspect("gone") is None


async def test_an_answer_without_end_is_not_read(engine: Engine) -> None:
    engine.raw["/containers/big/json"] = b" " * (dockerapi.INSPECT_LIMIT + 1)
    async with DockerApi(engine.path) as api:
        with pytest.raises(AnswerTooLarge, match="more than 4194304 bytes"):
            await api.inspect("big")
        await api.ping()


async def test_an_error_of_the_engine_is_told_in_its_words(engine: Engine) -> None:
    async with DockerApi(engine.path) as api:
        engine.raw["/containers/json"] = b"[]"
        assert await api.containers() == []
        await engine.stop()
        with pytest.raises(EngineAway):
            await api.containers()


async def test_events_come_as_they_happen_however_they_are_cut(engine: Engine) -> None:
    async with DockerApi(engine.path) as api:
        events = api.events(0)
        async with contextlib.aclosing(events):
            engine.tell("a", "create", 5)
            assert (await anext(events)).action == "create"
            (stream,) = engine.streams
            for piece in (
                b'{"Type":"container","Action":"die","Actor":{"ID":"a",',
                b'"Attributes":null},"timeNano":7}\n\n',
            ):
                stream.put_nowait(piece)
            event = await asyncio.wait_for(anext(events), 5)
            assert (event.action, event.container_id, event.attributes, event.time_ns) == ("die", "a", {}, 7)
            large = {"label": "x" * 200_000}
            engine.tell("a", "start", 9, **large)
            assert (await asyncio.wait_for(anext(events), 5)).attributes["label"] == large["label"]


async def test_an_engine_that_goes_away_in_the_midst_of_its_events_is_said(engine: Engine) -> None:
    async with DockerApi(engine.path) as api:
        events = api.events(0)
        async with contextlib.aclosing(events):
            engine.tell("a", "create", 5)
            await anext(events)
            engine.drop()
            with pytest.raises(EngineAway, match="closed the connection; start the engine"):
                await asyncio.wait_for(anext(events), 5)


async def test_the_past_ends_at_its_time(engine: Engine) -> None:
    for at in (1, 2, 3):
        engine.tell("a", "start", at)
    async with DockerApi(engine.path) as api:
        assert [event.time_ns async for event in api.events(2, 2)] == [2]


async def test_an_event_without_end_is_not_kept(engine: Engine) -> None:
    async with DockerApi(engine.path) as api:
        events = api.events(0)
        async with contextlib.aclosing(events):
            engine.tell("a", "create", 5)
            await anext(events)
            (stream,) = engine.streams
            stream.put_nowait(b"x" * (dockerapi.EVENT_LIMIT + 1))
            with pytest.raises(AnswerTooLarge):
                await asyncio.wait_for(anext(events), 5)


def test_a_networks_event_names_its_container() -> None:
    event = DockerEvent(type="network", action="disconnect", actor=dockerapi.Actor("n", {"container": "c"}))
    assert event.container_id == "c"


async def test_where_the_local_driver_writes_is_told_by_the_engines_directory(engine: Engine) -> None:
    engine.raw["/info"] = b'{"DockerRootDir": "/data/docker"}'
    for id in ("a", "b"):
        engine.add(id, HostConfig={"LogConfig": {"Type": "local"}})
    engine.add("c", HostConfig={"LogConfig": {"Type": "json-file"}}, LogPath="/l/c-json.log")
    async with DockerApi(engine.path) as api:
        told = [await api.inspect(id) for id in ("a", "b", "c")]
    assert [one.log_path for one in told if one] == [
        "/data/docker/containers/a/local-logs/container.log",
        "/data/docker/containers/b/local-logs/container.log",
        "/l/c-json.log",
    ]
    assert engine.asked.count("/info") == 1


async def test_an_engine_without_a_directory_leaves_the_log_untold(engine: Engine) -> None:
    engine.raw["/info"] = b"{}"
    engine.add("a", HostConfig={"LogConfig": {"Type": "local"}})
    async with DockerApi(engine.path) as api:
        told = await api.inspect("a")
    assert told is not None
    assert told.log_path == ""
