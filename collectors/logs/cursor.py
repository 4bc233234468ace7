"""Where a reader of a live stream is, so that it can go on there after a break, also of the agent.

For each container the last record that was handed out (time and uid); for all others a time from which on
everything is new. Of very many containers the longest silent are forgotten, and what they printed in the
last seconds before may be told twice: the uid tells.
"""

from __future__ import annotations

import base64
import binascii
from collections import OrderedDict
from hashlib import blake2b

import msgspec

from collectors.logs.times import SECOND

MOST = 32
_BEFORE = 5 * SECOND
_RECENT = 50_000


class _Wire(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    since: int
    last: dict[str, tuple[int, str]]


class Cursor:
    """The state of one reader; times are ns since the epoch."""

    def __init__(self, since: int) -> None:
        self.since = since
        self._last: OrderedDict[str, tuple[int, str]] = OrderedDict()
        self._passed: set[str] = set()
        self._recent: OrderedDict[str, None] = OrderedDict()

    @classmethod
    def decoded(cls, text: str) -> Cursor:
        """From its text form; raises ValueError when it is none."""
        try:
            wire = msgspec.msgpack.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=_Wire)
        except (binascii.Error, msgspec.DecodeError, ValueError) as error:
            raise ValueError(f"not a cursor: {text[:40]!r}") from error
        cursor = cls(wire.since)
        cursor._last.update(wire.last)
        return cursor

    def encoded(self) -> str:
        """The text form, one word."""
        wire = msgspec.msgpack.encode(_Wire(self.since, dict(self._last)))
        return base64.urlsafe_b64encode(wire).rstrip(b"=").decode()

    def needed_since(self) -> int:
        """From when on records must be read again to miss none."""
        times = [time for time, _ in self._last.values()]
        return max(0, min([self.since, *times]) - 2 * SECOND)

    def begin(self) -> None:
        """Files are read again from `needed_since` on."""
        self._passed.clear()

    def is_new(self, id: str, time: int, uid: str) -> bool:
        """Whether a record that was read again, in the order of its file, was not handed out yet."""
        if uid in self._recent:
            return False
        name = _name(id)
        last = self._last.get(name)
        if last is None:
            return time >= self.since
        if name in self._passed or time > last[0]:
            return True
        if uid == last[1]:
            self._passed.add(name)
        return False

    def knows(self, uid: str) -> bool:
        """Whether a record was met lately."""
        return uid in self._recent

    def meet(self, uid: str) -> None:
        """Remember a record for a while, whether it was handed out or not."""
        self._recent[uid] = None
        if len(self._recent) > _RECENT:
            self._recent.popitem(last=False)

    def advance(self, id: str, time: int, uid: str) -> None:
        """A record was handed out."""
        self.meet(uid)
        name = _name(id)
        self._passed.add(name)
        self._last[name] = (time, uid)
        self._last.move_to_end(name)
        if len(self._last) > MOST:
            _, (forgotten, _) = self._last.popitem(last=False)
            self.since = max(self.since, forgotten - _BEFORE)


def _name(id: str) -> str:
    return blake2b(id.encode(), digest_size=5).hexdigest()
