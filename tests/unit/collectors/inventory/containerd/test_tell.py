"""What the socket tells, asked as the disk is."""

from __future__ import annotations

import pathlib
from collections.abc import AsyncIterator

import pytest

from collectors.inventory.containerd.api import ContainerdApi
from collectors.inventory.containerd.disk import ContainerdDisk
from collectors.inventory.containerd.entry import Facts, Ref
from collectors.inventory.containerd.tell import ContainerdSocket, facts_of
from collectors.inventory.cri.api import CriApi
from collectors.inventory.grpc import containerd_v1
from collectors.inventory.grpc.channel import Channel
from collectors.inventory.grpc.containerd_v1 import CONTAINERS
from tests.unit.collectors.inventory.containerdengine import (
    MAIN,
    PLAIN,
    SANDBOX,
    Containerd,
    config,
    write_bundle,
)


@pytest.fixture
async def engine(tmp_path: pathlib.Path) -> AsyncIterator[Containerd]:
    engine = Containerd(f"{tmp_path}/containerd.sock")
    engine.add(PLAIN, config(PLAIN), team="x")
    engine.add(Ref("moby", "dockers"), b"{}")
    engine.add_pod()
    engine.create(MAIN)
    engine.run(MAIN)
    await engine.start()
    yield engine
    await engine.stop()


@pytest.fixture
async def teller(engine: Containerd, tmp_path: pathlib.Path) -> AsyncIterator[ContainerdSocket]:
    async with Channel(engine.path, "") as channel:
        disk = ContainerdDisk(f"{tmp_path}/state", f"{tmp_path}/root")
        yield ContainerdSocket(ContainerdApi(channel), CriApi.over(channel), disk)


async def test_all_that_a_look_needs(
    engine: Containerd, teller: ContainerdSocket, tmp_path: pathlib.Path
) -> None:
    assert await teller.refs() == {PLAIN, SANDBOX, MAIN}
    facts = await teller.facts(PLAIN)
    assert facts is not None and (facts.labels, facts.image) == ({"team": "x"}, "reg/web:1")
    task = await teller.task(MAIN)
    assert task is not None and task.id == MAIN.id
    assert await teller.status(MAIN, Facts()) == engine.statuses[MAIN.id]
    assert await teller.sandbox(SANDBOX.id) == engine.sandboxes[SANDBOX.id]
    write_bundle(f"{tmp_path}/state", PLAIN, config(PLAIN), pid=1, made=12.5)
    assert (await teller.began(PLAIN), await teller.began(MAIN)) == (12.5, None)


async def test_what_was_listed_is_asked_for_again_only_when_it_changed(
    engine: Containerd, teller: ContainerdSocket
) -> None:
    await teller.refs()
    await teller.facts(PLAIN)
    assert f"{CONTAINERS}Get" not in engine.asked
    engine.add(PLAIN, config(PLAIN), team="y")
    facts = await teller.facts(PLAIN)
    assert facts is not None and facts.labels == {"team": "y"}
    del engine.containers[PLAIN]
    assert await teller.facts(PLAIN) is None


def test_a_configuration_of_another_kind_says_nothing() -> None:
    spec, created = containerd_v1.Any("", b"\x00"), containerd_v1.Timestamp(9)
    container = containerd_v1.Container("web", {"a": "b"}, "reg/web:1", spec, created)
    assert facts_of(container) == Facts(labels={"a": "b"}, image="reg/web:1", created_at=9.0)
