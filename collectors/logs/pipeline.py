"""Entries into records: redacted, parsed, and what a rule does not want left out."""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from collectors.logs.batch import Record
from collectors.logs.entry import Entry
from collectors.logs.judge import Judge
from collectors.logs.limit import Bucket, Limiter
from collectors.logs.parse import Understood, understand_many
from collectors.logs.parsers import parser_of
from collectors.logs.record import LogTarget
from collectors.logs.redact import redactor
from collectors.logs.rule import Drop
from collectors.logs.times import SECOND
from collectors.logs.uid import uids_of

DROPPED_BY_RULE = "rule"
WITHHELD = "redaction_failed"
PARTIAL = "deckwatch_partial"
ERROR = "deckwatch_error"


class Made(NamedTuple):
    """Records in order, and how many entries gave none, by reason."""

    records: list[Record]
    dropped: dict[str, int]


class Pipeline:
    """What is done with one container's entries, after its rule. `limited` is False for whoever asks by hand:
    limits and drops are about shipping."""

    def __init__(self, target: LogTarget, bucket: Bucket | None = None, *, limited: bool = True) -> None:
        rule = target.rule
        self._redactor = redactor(rule.redact)
        self._parser = parser_of(rule.parser)
        self._drops = [_judge(one) for one in rule.drop] if limited else []
        self.limiter = Limiter(rule.limit, bucket) if rule.limit and limited else None
        self._blocks = rule.limit is not None and rule.limit.action == "block"
        self._runs = Runs(target)

    def made(self, entries: Sequence[Entry]) -> Made:
        """The records of some entries."""
        dropped: Counter[str] = Counter()
        if self._drops:
            entries = self._kept(entries, dropped)
        messages = self._redactor.redact_many([entry.message for entry in entries])
        if None in messages:
            kept = [(entry, text) for entry, text in zip(entries, messages, strict=True) if text is not None]
            dropped[WITHHELD] += len(entries) - len(kept)
            entries, messages = [entry for entry, _ in kept], [text for _, text in kept]
        understood = understand_many([text for text in messages if text is not None], self._parser)
        records = self._records(entries, understood)
        if self.limiter is not None and not self._blocks:
            records = self._limited(self.limiter, records, dropped)
        return Made(records, dict(dropped))

    def delay(self, made: Made) -> float:
        """Seconds to wait before more is read, for a limit that blocks; 0 for any other."""
        if self.limiter is None or not self._blocks:
            return 0.0
        return self.limiter.delay(len(made.records), sum(record.size for record in made.records))

    def _kept(self, entries: Sequence[Entry], dropped: Counter[str]) -> Sequence[Entry]:
        kept = [entry for entry in entries if not any(judge.wants(entry) for judge in self._drops)]
        dropped[DROPPED_BY_RULE] += len(entries) - len(kept)
        return kept

    def _records(self, entries: Sequence[Entry], understood: Sequence[Understood]) -> list[Record]:
        run_at = self._runs.at
        return [
            record_of(entry, each, run_at(entry.time), uid)
            for entry, each, uid in zip(entries, understood, uids_of(entries), strict=True)
        ]

    @staticmethod
    def _limited(limiter: Limiter, records: list[Record], dropped: Counter[str]) -> list[Record]:
        kept: list[Record] = []
        for record in records:
            why = limiter.wants(record.time, record.level, record.size)
            if why:
                dropped[why] += 1
            else:
                kept.append(record)
        return kept


class Runs:
    """Which run of a container was under way when."""

    def __init__(self, target: LogTarget) -> None:
        self._numbers = [run for run, _ in target.runs]
        self._starts = [int(started * SECOND) for _, started in target.runs]
        self._from = self._until = 0
        self._run: int | None = None

    def at(self, time: int) -> int | None:
        """The run at a time in ns; the first for what is older; None when no run is known."""
        if self._from <= time < self._until:
            return self._run
        if not self._starts:
            return None
        index = max(0, bisect.bisect_right(self._starts, time) - 1)
        self._run = self._numbers[index]
        self._from = self._starts[index] if index else 0
        self._until = self._starts[index + 1] if index + 1 < len(self._starts) else 1 << 63
        return self._run


def record_of(entry: Entry, understood: Understood, run: int | None, uid: str) -> Record:
    """The record of an entry, its message redacted and understood."""
    plain = not (entry.error or entry.partial or understood.error)
    return Record(
        entry.time,
        entry.stream,
        understood.level,
        understood.message,
        understood.fields if plain else _fields(entry, understood),
        understood.trace_id,
        understood.span_id,
        run,
        uid,
        len(entry.message),
    )


def _judge(drop: Drop) -> Judge:
    return Judge(drop.grep or None, drop.level or None, drop.stream or None)


def _fields(entry: Entry, understood: Understood) -> dict[str, Any]:
    """The fields with what was wrong with the entry."""
    fields = understood.fields
    if error := entry.error or understood.error:
        fields = {**fields, ERROR: error}
    if entry.partial:
        fields = {**fields, PARTIAL: True}
    return fields
