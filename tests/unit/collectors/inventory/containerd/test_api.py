"""containerd's calls and events against an engine that answers them."""

from __future__ import annotations

import asyncio
import contextlib
import pathlib
from collections.abc import AsyncIterator

import pytest

from collectors.inventory.containerd.api import ContainerdApi, ContainerdEvent, event_of
from collectors.inventory.grpc import containerd_v1
from collectors.inventory.grpc.channel import Channel
from collectors.inventory.grpc.containerd_v1 import Any, Envelope, Timestamp
from collectors.inventory.grpc.wire import encode
from tests.unit.collectors.inventory.containerdengine import MAIN, PLAIN, Containerd, config, until


@pytest.fixture
async def engine(tmp_path: pathlib.Path) -> AsyncIterator[Containerd]:
    engine = Containerd(f"{tmp_path}/containerd.sock")
    engine.add(PLAIN, config(PLAIN), team="x")
    engine.create(MAIN)
    engine.run(MAIN)
    await engine.start()
    yield engine
    await engine.stop()


@pytest.fixture
async def api(engine: Containerd) -> AsyncIterator[ContainerdApi]:
    async with Channel(engine.path, "inventory.containerd.socket") as channel:
        yield ContainerdApi(channel)


async def test_lists_by_namespace(api: ContainerdApi) -> None:
    assert await api.namespaces() == ["default", "k8s.io", "moby"]
    (plain,) = [one async for one in api.containers("default")]
    assert (plain.id, plain.labels, plain.image) == ("web", {"team": "x"}, "reg/web:1")
    assert [one.id async for one in api.containers("k8s.io")] == [MAIN.id]
    assert [one async for one in api.containers("moby")] == []
    assert await api.tasks("default") == []
    assert [task.id for task in await api.tasks("k8s.io")] == [MAIN.id]


async def test_one_by_its_name(api: ContainerdApi) -> None:
    found = await api.container(*PLAIN)
    assert found is not None and found.id == "web"
    assert await api.container("k8s.io", "web") is None
    assert await api.task(*PLAIN) is None
    task = await api.task(*MAIN)
    assert task is not None and task.status == containerd_v1.RUNNING


async def test_events_as_they_come(engine: Containerd, api: ContainerdApi) -> None:
    async with contextlib.aclosing(api.events()) as events:
        first = asyncio.ensure_future(anext(events))
        await until(lambda: engine.listeners)
        engine.tell(MAIN, "/tasks/start", at=3)
        engine.tell(MAIN, "/tasks/exit", at=4, code=9, exec_id="a shell")
        engine.tell(MAIN, "/tasks/exit", at=5, code=7)
        assert await first == ContainerdEvent(*MAIN, "/tasks/start", 3.0)
        assert await anext(events) == ContainerdEvent(*MAIN, "/tasks/exit", 5.0, 7)


def test_an_exit_without_a_time_has_that_of_its_event() -> None:
    told = Any("", encode(containerd_v1.TaskExit("c", exit_status=3)))
    envelope = Envelope(Timestamp(5), "default", "/tasks/exit", told)
    assert event_of(envelope) == ContainerdEvent("default", "c", "/tasks/exit", 5.0, 3)


def test_an_event_about_nobody_is_none() -> None:
    assert event_of(Envelope(Timestamp(5), "default", "/tasks/start", Any())) is None
    assert event_of(Envelope(Timestamp(5), "default", "/tasks/exit", Any())) is None
