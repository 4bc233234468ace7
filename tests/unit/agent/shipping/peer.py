"""A sink in memory that behaves as it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from agent.shipping.registry import Kind
from agent.shipping.sink import Context, Delivered, Sink, SinkSettings, Verdict
from collectors.logs.batch import LogBatch, Record


class MemorySettings(SinkSettings, frozen=True):
    """To this process."""


class MemoryPeer:
    """Takes what it is sent, unless `answer` says otherwise; `gate` holds it up while it is cleared."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.by_container: dict[str, list[Record]] = {}
        self.answer: Callable[[Sequence[LogBatch]], Verdict] = lambda batches: Delivered()
        self.gate = asyncio.Event()
        self.gate.set()
        self.sends = 0
        self.context: Context | None = None

    async def send(self, batches: Sequence[LogBatch]) -> Verdict:
        self.sends += 1
        await self.gate.wait()
        verdict = self.answer(batches)
        if isinstance(verdict, Delivered):
            for batch in batches:
                self.records += batch.records
                self.by_container.setdefault(batch.target.id, []).extend(batch.records)
        return verdict

    async def close(self) -> None:
        self.sends = -1

    def messages(self, id: str = "") -> list[str]:
        """What it has of one container, or of all."""
        return [record.message for record in (self.by_container.get(id, []) if id else self.records)]

    @property
    def kind(self) -> Kind:
        """Opens this peer."""

        async def opened(settings: SinkSettings, context: Context) -> Sink:
            self.context = context
            return self

        return Kind(MemorySettings, opened)
