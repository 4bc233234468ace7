"""A live subscription in the log worker: entries of some containers, judged, as records."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from collectors.logs.clean import cleaned
from collectors.logs.entry import Entry
from collectors.logs.judge import Judge, LevelOf, level_reader
from collectors.logs.record import LogTarget
from collectors.logs.redact import Redactor
from collectors.logs.redact import redactor as redactor_of
from collectors.logs.render import Renderer
from collectors.logs.uid import uid_of
from collectors.logs.wire import Fed

Send = Callable[[Fed], None]


class _Tools(NamedTuple):
    """What the entries of one container are made into records with."""

    renderer: Renderer
    redactor: Redactor
    level: LevelOf


class Feed:
    """Judges and renders what its containers print, and hands it to `send`."""

    def __init__(self, number: int, judge: Judge, send: Send) -> None:
        self.number = number
        self._judge = judge
        self._send = send
        self._known: dict[str, tuple[LogTarget, _Tools]] = {}

    def take(self, target: LogTarget, entries: Sequence[Entry]) -> None:
        """Entries of one container that just ended."""
        renderer, redactor, level = self._tools(target)
        records = [
            (target.id, entry.time, uid_of(entry.key, entry.offset), renderer.record(entry))
            for entry in cleaned(entries, redactor)
            if self._judge.wants(entry, level)
        ]
        if records:
            self._send(Fed(self.number, records))

    def _tools(self, target: LogTarget) -> _Tools:
        known = self._known.get(target.id)
        if known is None or known[0] is not target:
            tools = _Tools(
                Renderer(target), redactor_of(target.rule.redact), level_reader(target.rule.parser)
            )
            known = self._known[target.id] = (target, tools)
        return known[1]
