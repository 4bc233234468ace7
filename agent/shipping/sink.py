"""What a sink is: encodes batches for one peer, hands them over, and says what became of them.

Lifecycle: `Settings` are decoded from the configuration, `opened(settings, context)` makes the sink, `send` is
called with one batch at a time until `close`. Retries, batch splitting, dead letters and positions are the
shipper's: a sink only gives a verdict on each hand-over, after the retry rules of its protocol.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from agent.config.types import Duration, Section, Size
from collectors.logs.batch import LogBatch


class SinkSettings(Section, frozen=True):
    """The keys of every sink."""

    name: str = ""
    """What it is called in metrics, its position and its dead letters. Empty: its type. It must not change, or
    everything is shipped again from `logs.start_at` on."""
    selector: str = ""
    """Which containers it gets, as PromQL matchers; empty is all."""
    batch_bytes: Size = 1 << 20
    """Bytes of messages after which a batch is handed over."""
    batch_wait: Duration = 1.0
    """How long an unfilled batch waits for more."""
    timeout: Duration = 30.0
    """How long one hand-over may take."""
    backoff_min: Duration = 0.5
    """The first wait after a failure; it doubles, with jitter."""
    backoff_max: Duration = 60.0
    """The longest wait. There is no end to trying: what waits stays in its files and the spool."""
    dead_letter_bytes: Size = 64 << 20
    """Disk space for what the peer refuses for good; the oldest goes first, counted."""


class Context(NamedTuple):
    """What a sink may know of its surroundings: this host's name, labels for everything shipped, a state
    directory of its own, the agent's version."""

    node: str
    external_labels: dict[str, str]
    state: str
    version: str


class Delivered(NamedTuple):
    """The peer has the batch, for good. `refused` are records that it will never take: the record's number,
    counted over all batches of the hand-over, and the reason; `lost` how many more of unknown number."""

    refused: Sequence[tuple[int, str]] = ()
    lost: int = 0
    why: str = ""


class Again(NamedTuple):
    """Not delivered, to be tried again as it is: `after` seconds at the earliest when the peer said so.

    `only` are the numbers of the records still to be sent when the peer has the others; None is all.
    `refused` as in Delivered.
    """

    why: str
    after: float | None = None
    only: Sequence[int] | None = None
    refused: Sequence[tuple[int, str]] = ()


class TooLarge(NamedTuple):
    """The peer takes no batch of this size: halves are tried, and one record alone is refused."""

    why: str


class Refused(NamedTuple):
    """The peer will never take this batch as a whole; `split` asks to find the bad ones by halves, which is only
    right where the peer took none of it."""

    why: str
    split: bool = False


Verdict = Delivered | Again | TooLarge | Refused


class Sink(Protocol):
    """One open destination."""

    async def send(self, batches: Sequence[LogBatch]) -> Verdict:
        """Hand batches over and wait for the peer's word. Connection errors are a verdict, not an exception."""
        ...

    async def close(self) -> None:
        """Let go of connections and files."""
        ...
