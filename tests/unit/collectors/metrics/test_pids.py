"""Threads and processes."""

from __future__ import annotations

from typing import Any

import pytest

from collectors.metrics import catalogue, pids
from collectors.metrics.catalogue import INDEX
from collectors.metrics.rows import Value


@pytest.mark.parametrize(
    ("current", "procs", "threads", "processes"),
    [
        (b"3\n", b"10\n11\n", 3, 2),
        (b"0\n", b"", 0, 0),
        (b"3\n", b"", 3, None),  # threaded: the list cannot be read
        (b"", b"1\n2\n", None, 2),  # the root
        (b"", b"", None, None),
    ],
)
def test_threads_and_processes(
    either: Any, current: bytes, procs: bytes, threads: int | None, processes: int | None
) -> None:
    values: list[Value] = [None] * len(catalogue.ROW)
    for plan, content in zip(pids.probe(either.host), (current, procs), strict=True):
        plan.parse((content,), values)
    assert values[INDEX[catalogue.THREADS]] == threads
    assert values[INDEX[catalogue.PROCESSES]] == processes
