"""A source that is fed with cgroup paths."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from collectors.inventory.base import Facts
from collectors.inventory.paths import PathSource
from collectors.model import Container, Entry


class Heard:
    """A board that remembers."""

    def __init__(self) -> None:
        self.lists: list[list[str]] = []
        self.calls: list[str] = []

    def replace(self, source: str, entries: Iterable[Entry]) -> None:
        self.lists.append([entry.container.id for entry in entries])

    def put(self, source: str, entry: Entry) -> None:
        self.calls.append(f"put {entry.container.id}")

    def drop(self, source: str, engine_id: str) -> None:
        self.calls.append(f"drop {engine_id}")

    def tell(self, source: str, facts: Mapping[str, Facts]) -> None:
        raise AssertionError

    def unavailable(self, source: str, reason: str) -> None:
        raise AssertionError


async def test_paths_come_go_and_are_looked_at_again() -> None:
    wanted = {"/a", "/c"}

    def classify(path: str) -> Entry | None:
        return Entry(container=Container(id=path, name=path, engine="x")) if path in wanted else None

    source, board = PathSource("x", classify), Heard()
    source.reset(["/a", "/b"])
    running = asyncio.ensure_future(source.run(board))
    await asyncio.sleep(0)
    assert board.lists == [["/a"]]
    source.created("/c")
    source.created("/d")
    source.removed("/a")
    assert board.calls == ["put /a", "put /c", "drop /a"]
    wanted.add("/d")
    source.look_again()
    assert board.lists[-1] == ["/c", "/d"]
    source.reset(["/d"])
    assert board.lists[-1] == ["/d"]
    running.cancel()
