"""A channel against an engine that answers, hangs, lies, and goes away in the midst of it."""

from __future__ import annotations

import asyncio
import pathlib
import subprocess
import sys
from collections.abc import AsyncIterator

import pytest

from collectors.inventory.grpc.channel import INLINE, Channel, NoAnswer, NotFound, NotOffered
from collectors.inventory.grpc.containerd_v1 import ContainerEvent
from collectors.inventory.grpc.wire import Malformed, Message
from tests.unit.collectors.inventory.grpc.server import Engine, failing, not_found, not_offered

ASK = "/test/Ask"
HANG = "/test/Hang"
GONE = "/test/Gone"
FAIL = "/test/Fail"
LIE = "/test/Lie"
NEW = "/test/New"
TELL = "/test/Tell"


@pytest.fixture
async def engine(tmp_path: pathlib.Path) -> AsyncIterator[Engine]:
    engine = Engine(f"{tmp_path}/engine.sock")
    engine.calls = {
        ASK: lambda request, namespace: ContainerEvent(f"{namespace}:{request.hex()}"),
        HANG: failing,
        GONE: not_found,
        NEW: not_offered,
        FAIL: failing,
        LIE: lambda request, namespace: b"\x0b",
    }
    engine.hanging = {HANG}
    queue: asyncio.Queue[Message | None] = asyncio.Queue()
    queue.put_nowait(ContainerEvent("one"))
    queue.put_nowait(ContainerEvent("two"))
    engine.streams = {TELL: lambda request, namespace: queue}
    await engine.start()
    yield engine
    await engine.stop()


def channel(engine: Engine, timeout: float = 5.0) -> Channel:
    return Channel(engine.path, "inventory.test.socket", timeout=timeout)


async def test_a_call_carries_request_and_namespace(engine: Engine) -> None:
    async with channel(engine) as open_channel:
        answer = await open_channel.call(ASK, ContainerEvent("x"), ContainerEvent, "k8s.io")
        assert answer == ContainerEvent("k8s.io:0a0178")
        assert await open_channel.call(ASK, ContainerEvent(), ContainerEvent) == ContainerEvent(":")


async def test_a_large_answer_is_whole(engine: Engine) -> None:
    large = ContainerEvent("x" * (INLINE + 1))
    engine.calls[ASK] = lambda request, namespace: large
    async with channel(engine) as open_channel:
        assert await open_channel.call(ASK, ContainerEvent(), ContainerEvent) == large


async def test_a_stream_gives_its_messages_and_ends(engine: Engine) -> None:
    async with channel(engine) as open_channel:
        stream = open_channel.stream(TELL, ContainerEvent(), ContainerEvent)
        assert [await anext(stream), await anext(stream)] == [ContainerEvent("one"), ContainerEvent("two")]
        engine.streams[TELL](b"", "").put_nowait(None)
        assert [message async for message in stream] == []


async def test_errors_say_what_the_engine_says(engine: Engine) -> None:
    async with channel(engine) as open_channel:
        with pytest.raises(NotFound, match=r"engine\.sock answers /test/Gone with NOT_FOUND: no such thing"):
            await open_channel.call(GONE, ContainerEvent(), ContainerEvent)
        with pytest.raises(NotOffered, match="UNIMPLEMENTED"):
            await open_channel.call(NEW, ContainerEvent(), ContainerEvent)
        with pytest.raises(NoAnswer, match="INTERNAL: something broke"):
            await open_channel.call(FAIL, ContainerEvent(), ContainerEvent)
        with pytest.raises(Malformed):
            await open_channel.call(LIE, ContainerEvent(), ContainerEvent)
        assert await open_channel.call(ASK, ContainerEvent(), ContainerEvent) == ContainerEvent(":")


async def test_a_call_that_hangs_ends_in_time_and_blocks_no_other(engine: Engine) -> None:
    async with channel(engine, timeout=0.2) as open_channel:
        hung = asyncio.ensure_future(open_channel.call(HANG, ContainerEvent(), ContainerEvent))
        assert await open_channel.call(ASK, ContainerEvent(), ContainerEvent) == ContainerEvent(":")
        with pytest.raises(NoAnswer, match=r"does not answer /test/Hang within 0\.2 s"):
            await hung


async def test_a_socket_that_takes_connections_and_says_nothing(tmp_path: pathlib.Path) -> None:
    connected = asyncio.Event()
    server = await asyncio.start_unix_server(lambda reader, writer: connected.set(), f"{tmp_path}/mute")
    async with server, Channel(f"{tmp_path}/mute", "inventory.test.socket", timeout=0.2) as open_channel:
        with pytest.raises(NoAnswer, match="within"):
            await open_channel.call(ASK, ContainerEvent(), ContainerEvent)
    assert connected.is_set()


async def test_an_engine_that_goes_away(engine: Engine) -> None:
    async with channel(engine) as open_channel:
        stream = open_channel.stream(TELL, ContainerEvent(), ContainerEvent)
        await anext(stream)
        await engine.stop()
        with pytest.raises(NoAnswer):
            async for _ in stream:
                pass
        with pytest.raises(NoAnswer, match=r"cannot reach .*engine\.sock: .*; start the engine"):
            await open_channel.call(ASK, ContainerEvent(), ContainerEvent)


async def test_who_is_not_there_is_named_with_its_setting(tmp_path: pathlib.Path) -> None:
    with pytest.raises(
        NoAnswer, match=r"absent: No such file.*start the engine, or set inventory\.test\.socket"
    ):
        async with Channel(f"{tmp_path}/absent", "inventory.test.socket"):
            pass


def test_nothing_of_it_is_imported_with_the_messages() -> None:
    code = (
        "import sys; from collectors.inventory.grpc import containerd_v1, runtime_v1;"
        "print([name for name in sys.modules if name.split('.')[0] in ('grpclib', 'h2', 'google')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
