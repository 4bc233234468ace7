"""How logs get to where they are shipped."""

from __future__ import annotations

from collectors.metrics.catalogue.family import Compat, Family, Kind


def _own(name: str, kind: Kind, help: str, *labels: str, unit: str = "") -> Family:
    return Family(
        name=name, kind=kind, help=help, labels=labels, unit=unit, collector="agent", compat=Compat.OWN
    )


SINK_RECORDS = _own(
    "deckwatch_sink_records_total", Kind.COUNTER, "Log records that the sink's peer has acknowledged.", "sink"
)
SINK_BYTES = _own(
    "deckwatch_sink_bytes_total",
    Kind.COUNTER,
    "Bytes of messages that the sink's peer has acknowledged.",
    "sink",
    unit="bytes",
)
SINK_DROPPED = _own(
    "deckwatch_sink_dropped_total",
    Kind.COUNTER,
    "Log records that the sink will never get: refused by its peer, or gone before it took them.",
    "sink",
    "reason",
)
SINK_SENDS = _own(
    "deckwatch_sink_sends_total", Kind.COUNTER, "Hand-overs to the sink, by their outcome.", "sink", "outcome"
)
SINK_SECONDS = _own(
    "deckwatch_sink_send_seconds_total",
    Kind.COUNTER,
    "Time spent in hand-overs to the sink.",
    "sink",
    unit="seconds",
)
SINK_PENDING = _own(
    "deckwatch_sink_pending_records", Kind.GAUGE, "Log records handed over and not yet acknowledged.", "sink"
)
SINK_FAILING = _own(
    "deckwatch_sink_failing", Kind.GAUGE, "1 while hand-overs to the sink fail and are tried again.", "sink"
)
SINK_LAG = _own(
    "deckwatch_sink_lag_seconds",
    Kind.GAUGE,
    "Age of the oldest log record that the sink's peer has not.",
    "sink",
    unit="seconds",
)
SPOOL_BYTES = _own(
    "deckwatch_spool_bytes",
    Kind.GAUGE,
    "Disk space of log files kept because a sink has not got them yet.",
    unit="bytes",
)

SHIPPING: tuple[Family, ...] = (
    SINK_RECORDS, SINK_BYTES, SINK_DROPPED, SINK_SENDS, SINK_SECONDS, SINK_PENDING, SINK_FAILING, SINK_LAG,
    SPOOL_BYTES,
)  # fmt: skip
