"""Equal times told apart, by one ns each, for peers that take a second entry of equal time and text for a copy.

Writers do give equal times: conmon has one for all lines that it read at once. How far a record is moved depends on
the records of its stream before it, in the order of the file, and on nothing else. What has to be known of those is
one pair of numbers per stream, which is kept in the checkpoint beside the place that it belongs to: reading on from a
checkpoint, also after a crash, finds the same numbers, and so a record that is sent again has the time it had before,
however the records were cut into batches.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter, lt

import msgspec

from collectors.logs.batch import Record


class Last(msgspec.Struct, array_like=True):
    """The last record of a stream: its own time, and the time with its shift, both in ns."""

    time: int
    told: int


_time = attrgetter("time")


def told_apart(records: Sequence[Record], last: dict[str, Last]) -> Sequence[Record]:
    """The records, in file order, with `shift` where it is not 0. `last` is by stream, and moves along.

    A record is moved behind the one before it when its time lies between that one's own time and the time that it
    was told with. A time before both is left as it is: the clock was set back.
    """
    times = list(map(_time, records))
    if all(map(lt, times, times[1:])) and all(times[0] > one.told for one in last.values() if times):
        for stream, time in {record.stream: record.time for record in records}.items():
            last[stream] = Last(time, time)
        return records
    return [_moved(record, last) for record in records]


def _moved(record: Record, last: dict[str, Last]) -> Record:
    before = last.get(record.stream)
    told = record.time
    if before is not None and before.time <= record.time <= before.told:
        told = before.told + 1
    last[record.stream] = Last(record.time, told)
    return record if told == record.time else msgspec.structs.replace(record, shift=told - record.time)
