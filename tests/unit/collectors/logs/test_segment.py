from __future__ import annotations

import pathlib

import pytest

from collectors.logs.archive import TooLarge
from collectors.logs.chain import chain_of
from collectors.logs.formats import cri
from collectors.logs.record import LogTarget
from collectors.logs.segment import Budget, Segment, TooManyBytes
from collectors.model import LogSource
from tests.unit.collectors.logs.logfile import LogFile, zipped
from tests.unit.collectors.logs.test_archive import noted


def segments(log: LogFile, budget: Budget) -> list[Segment]:
    target = LogTarget(id="/x", source=LogSource(path=str(log.path), format="cri"), container={})
    return [Segment(one, target, cri, str(log.path.parent), budget) for one in chain_of(str(log.path))]


def test_a_file_has_an_end_although_it_grows(tmp_path: pathlib.Path) -> None:
    log = LogFile(tmp_path / "x.log")
    log.numbers(10)
    budget = Budget(1 << 20)
    (segment,) = segments(log, budget)
    assert segment.open()
    size = segment.size
    log.numbers(10)
    assert b"".join(batch.data for batch in segment.batches(0)) == log.path.read_bytes()[:size]
    assert budget.spent == size
    segment.close()


def test_more_than_the_budget_is_refused_with_the_remedy(tmp_path: pathlib.Path) -> None:
    log = LogFile(tmp_path / "x.log")
    log.numbers(10_000)
    (segment,) = segments(log, Budget(100_000))
    assert segment.open()
    with pytest.raises(TooManyBytes, match="max_bytes"):
        list(segment.batches(0))
    segment.close()


def test_an_archive_is_paid_for_when_it_is_unpacked(tmp_path: pathlib.Path) -> None:
    log = LogFile(tmp_path / "x.log")
    log.numbers(10_000)
    size = log.path.stat().st_size
    zipped(log.rename())
    budget = Budget(1 << 20)
    archive, _ = segments(log, budget)
    assert archive.open()
    assert archive.size == budget.spent == size
    archive.close()
    again, _ = segments(log, Budget(size - 1))
    with pytest.raises(TooLarge, match="max_bytes"):
        again.open()


def test_a_file_that_is_gone_is_told(tmp_path: pathlib.Path) -> None:
    log = LogFile(tmp_path / "x.log")
    log.numbers(1)
    (segment,) = segments(log, Budget(1000))
    log.path.unlink()
    assert segment.modified == 0
    assert not segment.open()


def test_the_unfinished_line_of_a_rotated_file(tmp_path: pathlib.Path) -> None:
    log = LogFile(tmp_path / "x.log")
    log.numbers(3)
    log.append(b"torn")
    (segment,) = segments(log, Budget(1 << 20))
    assert segment.open()
    rest = segment.rest()
    assert rest is not None
    assert rest.data == b"torn\n"
    segment.close()


def test_one_that_was_renamed_or_compressed_meanwhile_is_found(tmp_path: pathlib.Path) -> None:
    log = LogFile(tmp_path / "x.log")
    for _ in range(3):
        log.numbers(10)
        log.rename()
    log.numbers(10)
    looked = segments(log, Budget(1 << 20))
    content = log.path.read_bytes()
    zipped(log.path.with_name("x.log.0000000001"))
    log.rename()
    first, *_, last = looked
    assert first.open()
    assert first.sibling.gz
    assert last.open()
    assert b"".join(batch.data for batch in last.batches(0)) == content
    for segment in looked:
        segment.close()


def test_a_time_is_found_with_a_margin_in_time_and_bytes(tmp_path: pathlib.Path) -> None:
    log = LogFile(tmp_path / "x.log")
    log.write(*(f"{number} " + "x" * 4000 for number in range(3000)))
    (segment,) = segments(log, Budget(1 << 30))
    assert segment.open()
    size = segment.size // 3000
    start, end = segment.start_at(log.time - 1_500_000_000), segment.end_at(log.time - 1_500_000_000)
    assert 1499 * size - (256 << 10) - 10 * size < start < 1499 * size
    assert 1499 * size < end < 1499 * size + (256 << 10) + 10 * size
    segment.close()


def test_an_archive_that_notes_its_last_time_was_modified_then(tmp_path: pathlib.Path) -> None:
    log = LogFile(tmp_path / "x.log")
    log.numbers(10)
    packed = noted(zipped(log.rename()), b'{"lastTime":"1970-01-01T00:01:40.5Z"}')
    archive, _ = segments(log, Budget(0))
    assert archive.sibling.path == packed
    assert archive.modified == 100_500_000_000
