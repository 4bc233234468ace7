"""A producer ends at once, whatever its cluster does, and says which errors are the records'."""

from __future__ import annotations

import asyncio

import pytest

pytest.importorskip("aiokafka", reason="aiokafka is not installed; pip install 'deckwatch[kafka]'")

from aiokafka import errors

from agent.shipping.kafka import KafkaSettings
from agent.shipping.kafka_producer import Producer


async def test_a_cluster_that_never_answers_is_left_at_once() -> None:
    connected = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.set()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    before = asyncio.all_tasks()
    producer = Producer(KafkaSettings(brokers=[f"127.0.0.1:{port}"], timeout=60.0), "1")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await producer.pack("topic", b"key")
    assert connected.is_set()
    async with asyncio.timeout(5):
        await producer.abandon([])
        while not asyncio.all_tasks() <= before:
            await asyncio.sleep(0)
    server.close()


def test_errors_of_size_and_of_content_are_told_apart() -> None:
    producer = Producer(KafkaSettings(brokers=["127.0.0.1:1"]), "1")
    size, content, other = (errors.for_code(code)() for code in (10, 32, 3))
    assert [producer.says_too_large(error) for error in (size, content, other, None)] == [
        True, False, False, False,
    ]  # fmt: skip
    assert [producer.says_bad_records(error) for error in (size, content, other, None)] == [
        False, True, False, False,
    ]  # fmt: skip
