"""Which records Loki did not take, from the text of its status 400: the others it has stored.

Texts: Loki's `pkg/validation` and `pkg/ingester`. The distributor tells of all that it refused. The ingester tells of
one stream only, though others may have failed too, with the first ten entries and how many there were; what is too far
behind is the oldest of the stream.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter
from typing import NamedTuple

from collectors.logs.times import parse

TOO_OLD = "too old"
TOO_NEW = "too new"
TOO_LONG = "line too long"
BAD_LABELS = "stream labels not taken"
_TIME = r"(\d{4}-\d\d-\d\d[T ][\d:.]+)"
_IGNORED = re.compile(rf"entry with timestamp {_TIME} \+0000 UTC ignored, reason: '([^\n]*?)'(?=,| for)")
_TOTAL = re.compile(r"total ignored: (\d+) out of \d+(?: for stream: (\{[^\n]*\}))?")
_OLD = re.compile(rf"has timestamp too old: {_TIME}Z?, oldest acceptable timestamp is: {_TIME}")
_NEW = re.compile(rf"has timestamp too new: {_TIME}")
_LONG = re.compile(r"[Mm]ax entry size '(\d+)' bytes exceeded")
_LABELS = re.compile(r"stream '(\{[^\n']*\})' has (?:\d+ label names|label name|label value|duplicate label)")


class Sent(NamedTuple):
    """One record as it was sent: its number over all batches, its stream as Loki writes it, its time in ns."""

    number: int
    stream: str
    time: int
    line: str


_time = attrgetter("time")


class Refusals(NamedTuple):
    """The numbers of what was refused, each with the reason, and how many more of unknown number. `open` are the
    numbers of which the message says nothing, because it tells of another stream."""

    refused: Sequence[tuple[int, str]]
    lost: int = 0
    open: Sequence[int] = ()


def refusals(text: str, sent: Iterable[Sent]) -> Refusals | None:
    """What a message tells of; None when it tells of no record."""
    records = list(sent)
    found = _by_ingester(text, records) or Refusals(list(_by_distributor(text, records)))
    return found if found.refused or found.lost else None


def _by_ingester(text: str, records: Sequence[Sent]) -> Refusals | None:
    """Entries too far behind the newest of their stream."""
    named = {_ns(time): why.split(",")[0] for time, why in _IGNORED.findall(text)}
    totals = _TOTAL.search(text)
    if not named:
        return None
    total, stream = (int(totals[1]), totals[2]) if totals else (len(named), None)
    own = sorted((record for record in records if record.stream == stream), key=_time)
    if own:
        why = next(iter(named.values()))
        refused = sorted((record.number, why) for record in own[:total])
        others = [record.number for record in records if record.stream != stream]
        return Refusals(refused, total - len(refused), others)
    refused = [(record.number, named[record.time]) for record in records if record.time in named]
    return Refusals(refused, max(0, total - len(refused)))


def _by_distributor(text: str, records: Sequence[Sent]) -> Iterator[tuple[int, str]]:
    """Entries that break a limit of the tenant, in whatever stream."""
    oldest = max((_ns(bound) for _, bound in _OLD.findall(text)), default=0)
    newest = min((_ns(time) for time in _NEW.findall(text)), default=1 << 63)
    longest = min((int(limit) for limit in _LONG.findall(text)), default=1 << 63)
    streams = frozenset(_LABELS.findall(text))
    for record in records:
        if record.time < oldest:
            yield record.number, TOO_OLD
        elif record.time >= newest:
            yield record.number, TOO_NEW
        elif record.stream in streams:
            yield record.number, BAD_LABELS
        elif 4 * len(record.line) > longest and len(record.line.encode("utf-8", "replace")) > longest:
            yield record.number, TOO_LONG


def _ns(time: str) -> int:
    """A time as Go writes it, with as much of its fraction as it has; 0 for what is none."""
    try:
        return parse(time.replace(" ", "T").rstrip(".").encode("ascii") + b"Z")
    except ValueError:
        return 0
