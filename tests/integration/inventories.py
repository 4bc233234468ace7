"""A running inventory of one real engine, and each change that it told."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from collectors.inventory.base import Source
from collectors.inventory.merge import Inventory
from collectors.model import Entry, State


class Watched:
    """The board of a source, and what became of each container on it."""

    def __init__(self, source: Source) -> None:
        self.changes: list[tuple[Entry | None, Entry | None]] = []
        self.board = Inventory([source], lambda old, new: self.changes.append((old, new)))

    async def until(self, condition: Callable[[], object], limit: float = 30) -> None:
        """Wait for a condition, but not longer."""
        async with asyncio.timeout(limit):
            while not condition():
                await asyncio.sleep(0.01)

    def entry(self, name: str) -> Entry | None:
        """The entry of a container; None when it is not listed."""
        return next(iter(self.board.by_name(name)), None)

    async def reached(self, name: str, state: State) -> Entry:
        """The entry of a container once it is in a state."""
        await self.until(lambda: (one := self.entry(name)) and one.container.state is state)
        entry = self.entry(name)
        assert entry is not None
        return entry

    def states(self, name: str) -> list[str]:
        """The states that a container went through; consecutive equal ones once, `gone` at its removal."""
        found: list[str] = []
        for old, new in self.changes:
            entry = new or old
            if entry is not None and entry.container.name == name:
                state = str(entry.container.state) if new else "gone"
                if found[-1:] != [state]:
                    found.append(state)
        return found

    def begun(self, name: str) -> list[str]:
        """The same from the beginning of its first run: that it was only created may pass unseen."""
        states = self.states(name)
        return states[1:] if states[:1] == ["created"] else states


@contextlib.asynccontextmanager
async def watching(source: Source) -> AsyncIterator[Watched]:
    """An inventory that runs and has heard from its engine."""
    watched = Watched(source)
    running = asyncio.ensure_future(watched.board.run())
    try:
        await watched.until(lambda: watched.board.complete and not watched.board.reasons())
        yield watched
    finally:
        running.cancel()
        await asyncio.wait([running])
