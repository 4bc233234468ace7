"""The log file: rotation by rising numbers, bounded, torn ends cut."""

from __future__ import annotations

import os
import pathlib
import resource
import signal

import pytest

from runtime.container.logfile import LogFile


def test_rotation_keeps_the_newest_files(tmp_path: pathlib.Path) -> None:
    log = LogFile(str(tmp_path), 10, 3, False)
    for number in range(5):
        log.write([b"line %d\n" % number, b"more\n"], 12)
        assert log.full
        log.rotate()
        log.prune()
    assert sorted(os.listdir(tmp_path)) == ["current.log", "current.log.0000000004", "current.log.0000000005"]
    log.close()
    assert LogFile(str(tmp_path), 10, 3, False).sequence == 5


def test_compression_leaves_the_newest_rotated_file_plain(tmp_path: pathlib.Path) -> None:
    log = LogFile(str(tmp_path), 1, 9, True)
    for _ in range(3):
        log.write([b"line\n"], 5)
        log.rotate()
    while log.tidy():
        os.sched_yield()
    assert sorted(os.listdir(tmp_path)) == [
        "current.log",
        "current.log.0000000001.gz",
        "current.log.0000000002.gz",
        "current.log.0000000003",
    ]


def test_leftovers_of_a_killed_compression_are_removed(tmp_path: pathlib.Path) -> None:
    for name in ("current.log.0000000001", "current.log.0000000001.gz", "current.log.0000000002.77.tmp"):
        (tmp_path / name).write_bytes(b"x")
    LogFile(str(tmp_path), 1, 9, True)
    assert sorted(os.listdir(tmp_path)) == ["current.log", "current.log.0000000001.gz"]


def test_a_torn_last_line_is_cut(tmp_path: pathlib.Path) -> None:
    (tmp_path / "current.log").write_bytes(b"whole\ntor")
    log = LogFile(str(tmp_path), 100, 2, False)
    log.cut_torn_line()
    assert (tmp_path / "current.log").read_bytes() == b"whole\n"
    assert log.length == 6


def test_a_write_that_does_not_fit_is_taken_back(tmp_path: pathlib.Path) -> None:
    log = LogFile(str(tmp_path), 10_000, 2, False)
    log.write([b"first\n"], 6)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            log.write([b"second ", b"line\n"], 12)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert (tmp_path / "current.log").read_bytes() == b"first\n"
