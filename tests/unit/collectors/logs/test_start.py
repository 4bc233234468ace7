from __future__ import annotations

import os
import pathlib

import pytest

from collectors.logs.chain import chain_of
from collectors.logs.formats import cri
from collectors.logs.start import Start, begin
from tests.unit.collectors.logs.logfile import LogFile


@pytest.mark.parametrize(
    ("start_at", "since"), [("beginning", float("-inf")), ("end", float("inf")), (60.0, 940.0)]
)
def test_what_the_configuration_says(start_at: str | float, since: float) -> None:
    assert Start.of(start_at, 1000.0) == Start(since)


@pytest.fixture
def log(tmp_path: pathlib.Path) -> LogFile:
    log = LogFile(tmp_path / "x.log")
    log.numbers(10)
    log.rename()
    log.numbers(10)
    return log


@pytest.mark.parametrize(
    ("back", "first", "later"),
    [(float("inf"), 0, 1), (15_500_000, 4, 1), (5_500_000, 14, 0), (-500_000, 20, 0)],
)
def test_the_file_and_the_offset_to_begin_with(log: LogFile, back: float, first: int, later: int) -> None:
    start = Start((log.time - back) / 1e9)
    begun = begin(chain_of(str(log.path)), start, cri, str(log.path.parent))
    assert begun is not None
    fd, offset, rest = begun
    behind = os.pread(fd, 1000, offset).decode()
    os.close(fd)
    assert len(rest) == later
    assert behind == "" if first == 20 else behind.split("\n")[0].endswith(f" number {first}")


def test_files_that_were_last_written_before_are_not_opened(log: LogFile) -> None:
    rotated = log.path.with_name("x.log.0000000001")
    os.utime(rotated, (1, 1))
    rotated.chmod(0)
    begun = begin(chain_of(str(log.path)), Start(1000.0), cri, str(log.path.parent))
    assert begun is not None
    fd, offset, rest = begun
    os.close(fd)
    assert (offset, rest) == (0, [])


def test_the_end_of_a_line_that_is_being_written_is_no_place_to_begin(log: LogFile) -> None:
    size = log.path.stat().st_size
    log.append(b"half a line")
    begun = begin(chain_of(str(log.path)), Start(float("inf")), cri, str(log.path.parent))
    assert begun is not None
    fd, offset, _ = begun
    os.close(fd)
    assert offset == size


def test_names_that_moved_meanwhile_are_told(log: LogFile) -> None:
    chain = chain_of(str(log.path))
    for sibling in chain:
        os.unlink(sibling.path)
    assert begin(chain, Start(float("-inf")), cri, str(log.path.parent)) is None
