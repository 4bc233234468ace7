"""Flat keyed files (`key value` lines), read by position once their layout is known.

The kernel writes the same keys in the same order for every cgroup, so the layout learnt from one file
serves the next; each use checks that the keys still stand where they stood.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter

_Getter = Callable[[list[bytes]], tuple[bytes, ...]]


class Keyed:
    """Picks some keys out of files of one kind."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self.keys = tuple(keys)
        self._present: tuple[int, ...] = ()
        self._expected: tuple[bytes, ...] = ()
        self._keys_of: _Getter | None = None
        self._values_of: _Getter | None = None

    def values(self, content: bytes) -> list[int | None]:
        """The value of each key in order, None for a key that the file does not list."""
        tokens = content.split()
        try:
            known = self._keys_of is not None and self._keys_of(tokens) == self._expected
        except IndexError:
            known = False
        if not known:
            self._learn(tokens)
        if len(self._present) == len(self.keys) and self._values_of is not None:
            return [int(value) for value in self._values_of(tokens)]
        found: list[int | None] = [None] * len(self.keys)
        if self._values_of is not None:
            for at, value in zip(self._present, self._values_of(tokens), strict=True):
                found[at] = int(value)
        return found

    def _learn(self, tokens: list[bytes]) -> None:
        positions = {key: at for at, key in enumerate(tokens[::2])}
        present = [(at, 2 * positions[key]) for at, key in enumerate(self.keys) if key in positions]
        self._present = tuple(at for at, _ in present)
        self._expected = tuple(self.keys[at] for at in self._present)
        self._keys_of = _getter([position for _, position in present])
        self._values_of = _getter([position + 1 for _, position in present])


def _getter(positions: list[int]) -> _Getter | None:
    if not positions:
        return None
    if len(positions) == 1:
        only = positions[0]
        return lambda tokens: (tokens[only],)
    return itemgetter(*positions)
