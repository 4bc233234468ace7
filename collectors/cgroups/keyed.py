"""Flat keyed files (`key value` lines), read by position once their layout is known.

The kernel writes the same keys in the same order for every cgroup of a kind, so the layout learnt from one
file serves the next of its length; each use checks that the keys still stand where they stood.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import NamedTuple

_Getter = Callable[[list[bytes]], tuple[bytes, ...]]
_MOST_LAYOUTS = 16


class _Layout(NamedTuple):
    """All keys of a file, whether all wanted ones are among them, and where their values stand.

    The value of a key that the file does not list is the token after its last.
    """

    keys: list[bytes]
    whole: bool
    values_of: _Getter


class Keyed:
    """Picks some keys out of files of one kind."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self.keys = tuple(keys)
        self._layouts: dict[int, _Layout] = {}

    def values(self, content: bytes) -> list[int | None]:
        """The value of each key in order, None for a key that the file does not list."""
        tokens = content.split()
        layout = self._layouts.get(len(tokens))
        if layout is None or tokens[::2] != layout.keys:
            layout = self._learn(tokens)
        if layout.whole:
            return [int(value) for value in layout.values_of(tokens)]
        tokens.append(b"")
        return [int(value) if value else None for value in layout.values_of(tokens)]

    def _learn(self, tokens: list[bytes]) -> _Layout:
        positions = {key: 2 * at for at, key in enumerate(tokens[::2])}
        whole = all(key in positions for key in self.keys)
        values_of = _getter([positions[key] + 1 if key in positions else len(tokens) for key in self.keys])
        layout = _Layout(tokens[::2], whole, values_of)
        if len(self._layouts) >= _MOST_LAYOUTS:
            self._layouts.clear()
        self._layouts[len(tokens)] = layout
        return layout


def _getter(positions: list[int]) -> _Getter:
    """As itemgetter, but a tuple also of one item and of none."""
    if len(positions) > 1:
        return itemgetter(*positions)
    return lambda tokens: tuple(tokens[position] for position in positions)
