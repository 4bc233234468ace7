"""aiokafka's producer with what a sink needs: made when first used, packs of one topic's messages, a hard end.

aiokafka: https://aiokafka.readthedocs.io/en/stable/api.html
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import aiokafka
from aiokafka import errors
from aiokafka.partitioner import DefaultPartitioner

from agent.shipping.http_secrets import Certificates
from agent.shipping.password import password_of

if TYPE_CHECKING:
    from agent.shipping.kafka import KafkaSettings

_PACK = 256 * 1024  # what is compressed at once, in the event loop
_CLOSE = 2.0
_TOO_LARGE = (errors.MessageSizeTooLargeError, errors.RecordListTooLargeError)
_BAD = (errors.InvalidTimestampError, errors.PolicyViolationError)


class Pack:
    """Messages of one topic and key, handed over as one."""

    def __init__(self, producer: Any, topic: str, key: bytes, partition: int) -> None:
        self._producer = producer
        self._builder = producer.create_batch()
        self._topic = topic
        self._key = key
        self._partition = partition

    def add(self, milliseconds: int, value: bytes, headers: list[tuple[str, bytes]]) -> bool:
        """Whether there was room for the message; the first one always has."""
        added = self._builder.append(timestamp=milliseconds, key=self._key, value=value, headers=headers)
        return added is not None

    async def sent(self) -> asyncio.Future[Any]:
        """Hand the pack over; the future ends when all in-sync replicas have it."""
        future: asyncio.Future[Any] = await self._producer.send_batch(
            self._builder, self._topic, partition=self._partition
        )
        return future


class Producer:
    """The connection to one cluster. Any failure ends it: the next pack makes another."""

    Error: type[Exception] = errors.KafkaError

    def __init__(self, settings: KafkaSettings, version: str) -> None:
        self._settings = settings
        self._version = version
        self._certificates = Certificates(settings.tls) if settings.tls else None
        self._producer: Any = None
        # What goes wrong is told by the verdicts; without a handler it would be printed, too, at each try.
        logging.getLogger("aiokafka").addHandler(logging.NullHandler())

    async def pack(self, topic: str, key: bytes) -> Pack:
        """An empty pack for the partition of the key, as Kafka's own clients choose it. Raises Error, OSError."""
        producer = await self._started()
        partitions = sorted(await producer.partitions_for(topic))
        return Pack(producer, topic, key, DefaultPartitioner()(key, partitions, partitions))

    async def abandon(self, outcomes: Sequence[asyncio.Future[Any]]) -> None:
        """Close all connections at once. What is not acknowledged is given up, with its future."""
        producer, self._producer = self._producer, None
        if producer is None:
            return
        with contextlib.suppress(TimeoutError, errors.KafkaError):
            async with asyncio.timeout(_CLOSE):
                await _end_sender(producer)
                for outcome in outcomes:
                    outcome.cancel()
                producer._message_accumulator.fail_all(errors.ProducerClosed())
                await producer.stop()

    def says_too_large(self, error: BaseException | None) -> bool:
        """Whether a broker takes no message or batch of that size."""
        return isinstance(error, _TOO_LARGE)

    def says_bad_records(self, error: BaseException | None) -> bool:
        """Whether a broker takes nothing of a batch because of what is in it."""
        return isinstance(error, _BAD)

    async def _started(self) -> Any:
        if self._producer is None:
            self._producer = self._made()
            await self._producer.start()
        return self._producer

    def _made(self) -> Any:
        settings, sasl = self._settings, self._settings.sasl
        transport = "SSL" if settings.tls else "PLAINTEXT"
        secrets = {}
        if sasl:
            transport = "SASL_SSL" if settings.tls else "SASL_PLAINTEXT"
            secrets = {
                "sasl_mechanism": sasl.mechanism,
                "sasl_plain_username": sasl.username,
                "sasl_plain_password": password_of(sasl.password_file),
            }
        return aiokafka.AIOKafkaProducer(
            bootstrap_servers=settings.brokers,
            client_id=f"deckwatch-{self._version}",
            acks="all",
            enable_idempotence=True,
            compression_type=None if settings.compression == "none" else settings.compression,
            max_batch_size=_PACK,
            # Half of the time, so that a topic that does not come leaves some to the others.
            request_timeout_ms=max(1000, int(settings.timeout * 500)),
            security_protocol=transport,
            ssl_context=self._certificates.context() if self._certificates else None,
            **secrets,
        )


async def _end_sender(producer: Any) -> None:
    """Make the sender of aiokafka give up: stop() alone would wait until the brokers have taken everything.

    Cancelled once it waits for the requests under way, cancelled again it takes the one it waits for along; those to
    other brokers end with their connections.
    """
    sender = producer._sender.sender_task
    while sender is not None and not sender.done():
        sender.cancel()
        await producer.client.close()
        await asyncio.wait([sender], timeout=0.01)
