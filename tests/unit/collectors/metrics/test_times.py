"""Start and last reading."""

from __future__ import annotations

import os
from typing import Any

from collectors.metrics import catalogue
from collectors.metrics.catalogue import INDEX
from collectors.metrics.rows import Value
from collectors.metrics.times import Times

START = INDEX[catalogue.START_TIME]


def test_the_engine_knows_best_then_the_process_then_nobody(v1: Any) -> None:
    times = Times(v1.host.proc)
    for started_at, pid_start, expected in (
        (5.5, 100, 5.5),
        (None, 3 * os.sysconf("SC_CLK_TCK"), 1700000003.0),
        (None, 0, None),
    ):
        values: list[Value] = [None] * len(catalogue.ROW)
        times.started(started_at, pid_start, values)
        assert values[START] == expected


def test_this_host_started_before_now() -> None:
    values: list[Value] = [None] * len(catalogue.ROW)
    Times().host_started(values)
    with open("/proc/uptime") as file:
        uptime = float(file.read().split()[0])
    import time

    started = values[START]
    assert isinstance(started, int) and abs(started - (time.time() - uptime)) < 5


def test_the_creation_is_told_by_the_engine_or_not_at_all() -> None:
    values: list[Value] = [None] * len(catalogue.ROW)
    Times.created(12.5, values)
    assert values[INDEX[catalogue.CREATION_TIME]] == 12.5
    Times.created(None, values)
    assert values[INDEX[catalogue.CREATION_TIME]] is None
