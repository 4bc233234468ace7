"""Records on their way out."""

from __future__ import annotations

import pytest

from collectors.logs.batch import LogBatch, Record
from collectors.logs.record import LogTarget
from collectors.model import LogSource


def test_a_batch_holds_records_of_one_container_that_nobody_changes() -> None:
    target = LogTarget(id="/a", source=LogSource(path="/a.log", format="cri"), container={})
    record = Record(1, "stdout", None, "hello", {}, None, None, 1, "ab", 5)
    batch = LogBatch(target, [record])
    assert (batch.target.id, batch.records[0].message) == ("/a", "hello")
    with pytest.raises(AttributeError):
        record.message = "other"  # type: ignore[misc]
