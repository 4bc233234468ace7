"""The CRI's calls against an engine that answers them."""

from __future__ import annotations

import os
import pathlib
from collections.abc import AsyncIterator

import pytest

from collectors.inventory.bundle import spec_of
from collectors.inventory.cri.api import CriApi, Inside, NoAnswer, inside
from collectors.inventory.grpc.channel import Channel
from tests.unit.collectors.inventory.containerdengine import MAIN, SANDBOX, Containerd


@pytest.fixture
async def engine(tmp_path: pathlib.Path) -> AsyncIterator[Containerd]:
    engine = Containerd(f"{tmp_path}/cri.sock")
    engine.add_pod()
    engine.create(MAIN)
    engine.run(MAIN)
    engine.layers = {MAIN.id: 4096}
    await engine.start()
    yield engine
    await engine.stop()


async def test_every_call(engine: Containerd) -> None:
    async with CriApi(engine.path, "inventory.crio.socket") as api:
        assert await api.version() == "containerd 1.7"
        assert [sandbox.id for sandbox in await api.sandboxes()] == [SANDBOX.id]
        assert [(one.id, one.state) for one in await api.containers()] == [(MAIN.id, 1)]
        assert await api.sandbox(SANDBOX.id) == engine.sandboxes[SANDBOX.id]
        assert await api.container(MAIN.id) == engine.statuses[MAIN.id]
        assert await api.writable_layers() == {MAIN.id: 4096}


async def test_what_is_told_of_processes(engine: Containerd) -> None:
    async with CriApi(engine.path, "inventory.crio.socket") as api:
        for found in (await api.container_inside(MAIN.id), await api.sandbox_inside(SANDBOX.id)):
            assert found is not None and found.pid == os.getpid()
            assert spec_of(bytes(found.runtime_spec)).cgroup.startswith("/parent/")
        assert await api.container_inside(SANDBOX.id) is None
        assert await api.sandbox_inside(MAIN.id) is None


def test_what_another_engine_tells_is_nothing() -> None:
    for info in ({}, {"info": "no JSON"}, {"info": '{"pid": "x"}'}, {"other": "{}"}):
        assert inside(info) == Inside()


async def test_what_is_gone_is_none(engine: Containerd) -> None:
    async with CriApi(engine.path, "inventory.crio.socket") as api:
        assert await api.sandbox(MAIN.id) is None
        assert await api.container(SANDBOX.id) is None


async def test_a_connection_may_be_shared(engine: Containerd) -> None:
    async with Channel(engine.path, "inventory.crio.socket") as channel:
        assert await CriApi.over(channel).version() == "containerd 1.7"


async def test_who_is_away_is_named_with_its_setting(tmp_path: pathlib.Path) -> None:
    with pytest.raises(NoAnswer, match=r"inventory\.crio\.socket"):
        async with CriApi(f"{tmp_path}/absent", "inventory.crio.socket"):
            pass
