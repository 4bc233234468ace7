"""What agent and log worker say to each other: msgpack messages, each behind its length in four bytes."""

from __future__ import annotations

import asyncio

import msgspec

from collectors.logs.counters import Counters
from collectors.logs.record import LogTarget

_MAX = 64 << 20


class Targets(msgspec.Struct, frozen=True, tag=True):
    """To the worker: containers that are new or changed, and ids that are gone. `feeds` are the subscriptions
    that a new one belongs to, by its id."""

    changed: list[LogTarget] = []
    gone: list[str] = []
    feeds: dict[str, list[int]] = {}


class Subscribe(msgspec.Struct, frozen=True, tag=True):
    """To the worker: send the entries of these containers as they come, filtered as a query is."""

    feed: int
    ids: list[str]
    grep: str | None = None
    level: str | None = None
    stream: str | None = None


class Unsubscribe(msgspec.Struct, frozen=True, tag=True):
    """To the worker: enough."""

    feed: int


class Counted(msgspec.Struct, frozen=True):
    """One container's counts, how far behind its reading is in seconds, and boundaries set by time."""

    id: str
    counters: Counters
    lag: float
    cuts: list[tuple[bytes, int, int]] = []


class Report(msgspec.Struct, frozen=True, tag=True):
    """To the agent: what changed, as saved on disk."""

    counted: list[Counted]


class Shipping(msgspec.Struct, frozen=True, tag=True):
    """To the agent: how the sinks do, packed by the worker."""

    report: msgspec.Raw


class Fed(msgspec.Struct, frozen=True, tag=True):
    """To the agent: records of one subscription, each (container id, time in ns, uid, JSON line)."""

    feed: int
    records: list[tuple[str, int, str, bytes]]


class Started(msgspec.Struct, frozen=True, tag=True):
    """To the agent: from here on a subscription misses nothing."""

    feed: int


class Ended(msgspec.Struct, frozen=True, tag=True):
    """To the agent: a subscription was ended by the worker; `reason` is `slow` or `pattern`."""

    feed: int
    reason: str
    text: str


class Trouble(msgspec.Struct, frozen=True, tag=True):
    """To the agent: something the worker could not do, for the agent's log; `event` is in snake_case."""

    event: str
    error: str


class Ship(msgspec.Struct, frozen=True, tag=True):
    """To the worker, before everything else: the plan of the sinks, packed by the agent."""

    plan: msgspec.Raw


ToWorker = Targets | Subscribe | Unsubscribe | Ship
ToAgent = Report | Shipping | Fed | Started | Ended | Trouble

_encoder = msgspec.msgpack.Encoder()
to_worker = msgspec.msgpack.Decoder(ToWorker)
to_agent = msgspec.msgpack.Decoder(ToAgent)


def framed(message: ToWorker | ToAgent) -> bytes:
    """A message as it goes over the socket."""
    body = _encoder.encode(message)
    return len(body).to_bytes(4, "big") + body


async def read_frame(reader: asyncio.StreamReader) -> bytes | None:
    """The next message's bytes; None when the other side is gone."""
    try:
        size = int.from_bytes(await reader.readexactly(4), "big")
        return await reader.readexactly(size) if size <= _MAX else None
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
