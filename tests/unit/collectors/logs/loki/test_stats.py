"""Statistics of an answer."""

from __future__ import annotations

from collectors.logs.loki.stats import stats


def test_what_was_read_is_told_by_the_second_and_in_all() -> None:
    summary = stats(1000, 10, 3, 0.5)["summary"]
    assert (summary["bytesProcessedPerSecond"], summary["linesProcessedPerSecond"]) == (2000, 20)
    assert (summary["totalBytesProcessed"], summary["totalLinesProcessed"]) == (1000, 10)
    assert (summary["totalEntriesReturned"], summary["execTime"]) == (3, 0.5)
    assert stats(0, 0, 0, 0.0)["summary"]["bytesProcessedPerSecond"] == 0
