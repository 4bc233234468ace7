"""A real broker has each record once, in order, and what it says is understood."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.shipping.http_settings import ClientTls
from agent.shipping.kafka import KafkaSettings, Sasl, opened
from agent.shipping.sink import Again, Delivered, Refused, TooLarge
from collectors.logs.batch import LogBatch
from collectors.logs.jsonline import JsonLines
from tests.peers.kafka import HAVE, MISSING, Broker, kafka
from tests.unit.agent.shipping.sinks import CONTEXT, TIME, batch, delivery, pod_target, record

aiokafka = pytest.importorskip("aiokafka", reason="aiokafka is not installed; pip install 'deckwatch[kafka]'")


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    if not HAVE:
        pytest.skip(MISSING)
    with contextlib.ExitStack() as stack:
        try:
            yield stack.enter_context(kafka(str(tmp_path_factory.mktemp("kafka"))))
        except subprocess.SubprocessError as error:
            pytest.skip(f"the broker cannot be fetched: {error}")


def settings(broker: Broker, topic: str, **more: Any) -> KafkaSettings:
    return KafkaSettings(**{"brokers": [broker.address], "topic": topic, "timeout": 10.0, **more})


async def topic(broker: Broker, name: str, **configuration: str) -> str:
    from aiokafka.admin import AIOKafkaAdminClient, NewTopic

    admin = AIOKafkaAdminClient(bootstrap_servers=broker.address)
    await admin.start()
    await admin.create_topics([NewTopic(name, 3, 1, topic_configs=configuration)])
    await admin.close()
    return name


async def only(tasks: set[asyncio.Task[Any]]) -> None:
    """Wait until no task is left but these, which is soon: those that were cancelled need a turn to end."""
    async with asyncio.timeout(1):
        while not asyncio.all_tasks() <= tasks:
            await asyncio.sleep(0)


async def consumed(broker: Broker, name: str, count: int) -> list[Any]:
    """The messages of a topic, when there are so many; no more come."""
    consumer = aiokafka.AIOKafkaConsumer(
        name, bootstrap_servers=broker.address, auto_offset_reset="earliest", group_id=None
    )
    await consumer.start()
    found: list[Any] = []
    try:
        while len(found) < count:
            for messages in (await consumer.getmany(timeout_ms=5000)).values():
                found += messages
        ends = await consumer.end_offsets(consumer.assignment())
        assert sum(ends.values()) == len(found)
    finally:
        await consumer.stop()
    return found


async def test_every_part_of_a_record_arrives(broker: Broker) -> None:
    some = [record("first\nsecond é", 0), record("x", 1, stream="stderr", level="error", trace_id="ab" * 16)]
    sink = await opened(settings(broker, "logs-{namespace}"), CONTEXT)
    assert await sink.send([LogBatch(pod_target(), some)]) == Delivered()
    await sink.close()
    found = await consumed(broker, "logs-shop", 2)
    lines = JsonLines(pod_target())
    assert [message.value for message in found] == [lines.line(each) for each in some]
    assert {message.key for message in found} == {b"/kubepods/pod1/c1"}
    assert {message.timestamp for message in found} == {TIME // 1_000_000}
    assert [dict(message.headers) for message in found] == [
        {"cluster": b"blue", "node": b"node-1", "uid": each.uid.encode()} for each in some
    ]


async def test_many_of_several_containers_stand_once_each_and_in_order(broker: Broker) -> None:
    name = await topic(broker, "many")
    sink = await opened(settings(broker, name, compression="none"), CONTEXT)
    texts = [f"{number} {'x' * 400}" for number in range(1500)]
    some = [batch(texts, id=f"/c{container}") for container in range(4)]
    assert await sink.send(some) == Delivered()
    assert await sink.send([batch(["last"], id="/c0")]) == Delivered()
    await sink.close()
    found = await consumed(broker, name, 6001)
    for container in range(4):
        own = [message for message in found if message.key == b"/c%d" % container]
        assert [json.loads(message.value)["message"] for message in own if own][:1500] == texts
        assert len({message.partition for message in own}) == 1


async def test_what_is_too_large_is_found_and_the_rest_stands_once(broker: Broker) -> None:
    name = await topic(broker, "small", **{"max.message.bytes": "20000"})
    sink = await opened(settings(broker, name, compression="none"), CONTEXT)
    assert isinstance(await sink.send([batch(["x" * 50_000])]), TooLarge)
    texts = [f"{number} {'x' * 300}" for number in range(60)]
    texts[20] = "y" * 50_000
    deliver, aside = delivery(sink, timeout=10.0)
    lost = await deliver.deliver([batch(["before"], id="/a"), batch(texts, id="/b")])
    await sink.close()
    assert dict(lost) == {("/b", "too_large"): 1}
    assert [reason for _, reason, _ in aside] == ["too_large"]
    found = await consumed(broker, name, 60)
    messages = [json.loads(message.value)["message"] for message in found if message.key == b"/b"]
    assert messages == texts[:20] + texts[21:]


async def test_records_that_the_topic_does_not_take_are_refused(broker: Broker) -> None:
    name = await topic(broker, "fresh", **{"message.timestamp.before.max.ms": "1000"})
    sink = await opened(settings(broker, name), CONTEXT)
    verdict = await sink.send([batch(["a"])])
    await sink.close()
    assert isinstance(verdict, Refused)
    assert verdict.split
    assert "InvalidTimestamp" in verdict.why


async def test_a_broker_that_does_not_answer_delays(broker: Broker) -> None:
    name = await topic(broker, "slow")
    sink = await opened(settings(broker, name, timeout=2.0), CONTEXT)
    assert await sink.send([batch(["first"])]) == Delivered()
    await sink.close()
    before = asyncio.all_tasks()
    with broker.frozen():
        assert isinstance(await sink.send([batch(["second"])]), Again)
        await only(before)
    deliver, aside = delivery(sink)
    assert not await deliver.deliver([batch(["second"])])
    await sink.close()
    assert not aside


async def test_a_hand_over_that_is_cancelled_leaves_nothing_behind(broker: Broker) -> None:
    name = await topic(broker, "cancelled")
    before = asyncio.all_tasks()
    sink = await opened(settings(broker, name), CONTEXT)
    assert await sink.send([batch(["first"])]) == Delivered()
    with broker.frozen():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await sink.send([batch(["second"])])
        await only(before)
    await sink.close()


async def test_nobody_there_is_told_and_nothing_stays_open() -> None:
    before = asyncio.all_tasks()
    sink = await opened(KafkaSettings(brokers=["127.0.0.1:1"], timeout=2.0), CONTEXT)
    verdict = await sink.send([batch(["x"])])
    assert isinstance(verdict, Again)
    assert "KafkaConnectionError" in verdict.why
    await sink.close()
    await only(before)


async def test_a_password_or_certificate_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing")
    for keys in (
        {"sasl": Sasl(username="a", password_file=missing)},
        {"tls": ClientTls(ca_file=missing)},
    ):
        sink = await opened(KafkaSettings(brokers=["127.0.0.1:1"], timeout=2.0, **keys), CONTEXT)
        verdict = await sink.send([batch(["x"])])
        assert isinstance(verdict, Again)
        assert f"cannot read {missing}" in verdict.why
        await sink.close()


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"brokers": []}, "host:port"),
        ({"brokers": ["kafka"]}, "host:port"),
        ({"brokers": ["kafka:0"]}, "host:port"),
        ({"brokers": ["kafka:9092"], "topic": "{pod}"}, "no field"),
        ({"brokers": ["kafka:9092"], "tls": ClientTls(server_name="x")}, "server_name"),
    ],
)
def test_settings_say_what_is_wrong(keys: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        KafkaSettings(**keys)
