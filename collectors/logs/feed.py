"""A live subscription in the log worker: entries of some containers, judged, as records."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from collectors.logs.entry import Entry
from collectors.logs.judge import Judge
from collectors.logs.record import LogTarget
from collectors.logs.render import Renderer
from collectors.logs.uid import uid_of
from collectors.logs.wire import Fed

Send = Callable[[Fed], None]


class Feed:
    """Judges and renders what its containers print, and hands it to `send`."""

    def __init__(self, number: int, judge: Judge, send: Send) -> None:
        self.number = number
        self._judge = judge
        self._send = send
        self._renderers: dict[str, tuple[LogTarget, Renderer]] = {}

    def take(self, target: LogTarget, entries: Sequence[Entry]) -> None:
        """Entries of one container that just ended."""
        renderer = self._renderer(target)
        records = [
            (target.id, entry.time, uid_of(entry.key, entry.offset), renderer.record(entry))
            for entry in entries
            if self._judge.wants(entry)
        ]
        if records:
            self._send(Fed(self.number, records))

    def _renderer(self, target: LogTarget) -> Renderer:
        known = self._renderers.get(target.id)
        if known is None or known[0] is not target:
            known = self._renderers[target.id] = (target, Renderer(target))
        return known[1]
