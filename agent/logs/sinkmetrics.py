"""How the sinks do, as metrics: since the log worker began."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from agent.shipping.report import SinkReport
from collectors.metrics.catalogue import (
    SINK_BYTES,
    SINK_DROPPED,
    SINK_FAILING,
    SINK_LAG,
    SINK_PENDING,
    SINK_RECORDS,
    SINK_SECONDS,
    SINK_SENDS,
    SPOOL_BYTES,
    Family,
)

if TYPE_CHECKING:
    from agent.logs.service import LogService

Values = dict[tuple[str, ...], float]


def _each(value: Callable[[SinkReport], float]) -> Callable[[LogService], Values]:
    return lambda logs: {(sink.name,): value(sink) for sink in logs.sinks}


def _by(values: Callable[[SinkReport], Mapping[str, int]]) -> Callable[[LogService], Values]:
    return lambda logs: {
        (sink.name, name): value for sink in logs.sinks for name, value in values(sink).items()
    }


def _spool(logs: LogService) -> Values:
    return {(): max((sink.spool_bytes for sink in logs.sinks), default=0)} if logs.sinks else {}


READ: Mapping[Family, Callable[[LogService], Values]] = {
    SINK_RECORDS: _each(lambda sink: sink.records),
    SINK_BYTES: _each(lambda sink: sink.bytes),
    SINK_DROPPED: _by(lambda sink: sink.dropped),
    SINK_SENDS: _by(lambda sink: sink.sends),
    SINK_SECONDS: _each(lambda sink: sink.seconds),
    SINK_PENDING: _each(lambda sink: sink.pending),
    SINK_FAILING: _each(lambda sink: int(sink.failing_since is not None)),
    SINK_LAG: _each(lambda sink: sink.lag),
    SPOOL_BYTES: _spool,
}
