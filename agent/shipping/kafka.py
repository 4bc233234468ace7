"""Apache Kafka: a record a message, acknowledged by all in-sync replicas, through aiokafka (extra `kafka`).

The producer is idempotent, so what it tries again by itself stands once in the log. A hand-over that fails as a whole is
made again by another producer, and may come twice then: the header `uid` tells.
"""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from agent.config.types import Path, Section
from agent.shipping.http_secrets import SecretUnreadable
from agent.shipping.http_settings import ClientTls
from agent.shipping.naming import Naming
from agent.shipping.sink import Again, Context, Delivered, Refused, SinkSettings, TooLarge, Verdict
from collectors.logs.batch import LogBatch
from collectors.logs.jsonline import JsonLines
from collectors.logs.times import SECOND
from runtime.linux.errors import DeckwatchError

if TYPE_CHECKING:
    from agent.shipping.kafka_producer import Producer

_MAX_TOPIC = 249
_MILLISECOND = SECOND // 1000
_WHY = 300
_TURN = 256  # records between two turns of the event loop


class Sasl(Section, frozen=True, kw_only=True):
    """How this agent proves who it is to the brokers."""

    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    """`PLAIN`, `SCRAM-SHA-256` or `SCRAM-SHA-512`."""
    username: str
    """The user."""
    password_file: Path
    """File that holds the password. White space at its end does not count."""


class KafkaSettings(SinkSettings, frozen=True, kw_only=True):
    """Apache Kafka 2.4 and newer, and what speaks its protocol."""

    brokers: list[str]
    """Some of the brokers, each host:port."""
    topic: str = "deckwatch"
    """Topic of the records. `{node}`, `{engine}`, `{namespace}`, `{workload}`, `{container}` and `{name}` stand for the
    container's; one that it has not is `none`, and signs other than letters, digits, `-` and `_` become `_`."""
    compression: Literal["gzip", "none"] = "gzip"
    """`gzip` or `none`."""
    tls: ClientTls | None = None
    """Certificates; `{}` is TLS with the system's authorities. Without this key nothing is encrypted."""
    sasl: Sasl | None = None
    """User and password."""

    def __post_init__(self) -> None:
        if not self.brokers or not all(_is_broker(one) for one in self.brokers):
            raise ValueError("brokers must name at least one host:port")
        Naming(self.topic, _MAX_TOPIC)
        if self.tls and self.tls.server_name:
            raise ValueError(
                "tls.server_name is not possible here: brokers are reached by the names they give"
            )


def _is_broker(text: str) -> bool:
    host, _, port = text.rpartition(":")
    return bool(host) and port.isascii() and port.isdigit() and 0 < int(port) < 1 << 16


class _Post(NamedTuple):
    """Records on their way: their numbers over all batches, and what becomes of them."""

    numbers: range
    outcome: asyncio.Future[Any]

    @property
    def error(self) -> BaseException | None:
        """Why they were not taken; also when nothing is known yet."""
        if not self.outcome.done() or self.outcome.cancelled():
            return TimeoutError("no acknowledgement")
        return self.outcome.exception()


class KafkaSink:
    """Sends to one cluster. The key of a message is the container's id, so one container's stay in order."""

    def __init__(self, settings: KafkaSettings, context: Context) -> None:
        from agent.shipping.kafka_producer import Producer

        self._timeout = settings.timeout
        self._naming = Naming(settings.topic, _MAX_TOPIC)
        self._node = context.node
        common = {**context.external_labels, "node": context.node}
        self._headers = [(name, value.encode("utf-8", "replace")) for name, value in common.items()]
        self._producer: Producer = Producer(settings, context.version)

    async def send(self, batches: Sequence[LogBatch]) -> Verdict:
        """Produce everything and wait for the brokers' word on it."""
        posts: list[_Post] = []
        trouble: BaseException | None = None
        failed: list[BaseException] = []
        over = False
        try:
            async with asyncio.timeout(self._timeout):
                async for post in self._posted(batches):
                    posts.append(post)
                if posts:
                    await asyncio.wait([post.outcome for post in posts])
            over = True
        except (TimeoutError, OSError, ValueError, SecretUnreadable, self._producer.Error) as error:
            trouble = error
        finally:
            failed += [why for post in posts if (why := post.error)]
            if failed or not over:
                await self._producer.abandon([post.outcome for post in posts])
        if over and not failed:
            return Delivered()
        taken = {number for post in posts if not post.error for number in post.numbers}
        total = sum(len(batch.records) for batch in batches)
        left = [number for number in range(total) if number not in taken]
        said = next((error for error in failed if not isinstance(error, TimeoutError)), trouble)
        return self._verdict(said, left if taken else None)

    async def close(self) -> None:
        """Close the connections."""
        await self._producer.abandon([])

    async def _posted(self, batches: Sequence[LogBatch]) -> AsyncIterator[_Post]:
        number = 0
        for batch in batches:
            json = JsonLines(batch.target)
            key = batch.target.id.encode("utf-8", "replace")
            topic = self._naming.of(batch.target, self._node)
            pack = await self._producer.pack(topic, key)
            first = number
            for record in batch.records:
                headers = [*self._headers, ("uid", record.uid.encode())]
                message = (max(0, record.time) // _MILLISECOND, json.line(record), headers)
                if not pack.add(*message):
                    yield _Post(range(first, number), await pack.sent())
                    first = number
                    pack = await self._producer.pack(topic, key)
                    pack.add(*message)
                number += 1
                if number % _TURN == 0:
                    await asyncio.sleep(0)
            if number > first:
                yield _Post(range(first, number), await pack.sent())

    def _verdict(self, error: BaseException | None, left: Sequence[int] | None) -> Verdict:
        """What an error means. Where some of it was taken, the rest is handed over alone, to be judged then."""
        kind = type(error).__name__
        why = f"{kind}: {error}"[:_WHY] if str(error) else kind
        if isinstance(error, TimeoutError):
            why = f"no answer within {self._timeout:g} s"
        if left is not None:
            return Again(why, only=left)
        if self._producer.says_too_large(error):
            return TooLarge(why)
        if self._producer.says_bad_records(error):
            return Refused(why, split=True)
        return Again(why)


async def opened(settings: KafkaSettings, context: Context) -> KafkaSink:
    """The sink; nothing is connected before the first batch. Raises DeckwatchError without aiokafka."""
    if importlib.util.find_spec("aiokafka") is None:
        raise DeckwatchError("a sink of type kafka needs aiokafka; pip install 'deckwatch[kafka]'")
    return KafkaSink(settings, context)
