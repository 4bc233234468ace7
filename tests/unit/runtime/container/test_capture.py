"""Capture: killed at any system call it neither loses nor doubles; rests, rotation and full disks."""

from __future__ import annotations

import gzip
import os
import pathlib
import random
import resource
import signal
from collections.abc import Callable
from typing import Any

import pytest

from runtime.container.capture import Capture
from runtime.container.logfile import LogFile

CALLS = ("splice", "writev", "pwrite", "rename", "ftruncate", "unlink")


class Bed:
    """FIFOs, a log directory, and writers that stay open."""

    def __init__(self, root: pathlib.Path) -> None:
        self.run, self.logs = root / "run", root / "log"
        self.run.mkdir()
        for name in ("stdout", "stderr"):
            os.mkfifo(self.run / name)
        self.writers = [os.open(self.run / name, os.O_RDWR) for name in ("stdout", "stderr")]

    def capture(self, max_size: int = 1 << 20, block: bool = False, **options: Any) -> Capture:
        return Capture(str(self.run), LogFile(str(self.logs), max_size, 1000, False), block=block, **options)

    def records(self) -> list[tuple[str, str, bytes]]:
        names = sorted(self.logs.iterdir(), key=lambda path: (path.name == "current.log", path.name))
        found = []
        for path in names:
            content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
            assert content == b"" or content.endswith(b"\n")
            for line in content.splitlines():
                _, stream, tag, text = line.split(b" ", 3)
                found.append((stream.decode(), tag.decode(), text))
        return found

    def text(self, stream: str) -> bytes:
        return b"".join(
            text + (b"\n" if tag == "F" else b"") for name, tag, text in self.records() if name == stream
        )


@pytest.fixture
def bed(tmp_path: pathlib.Path) -> Bed:
    return Bed(tmp_path)


def drain(capture: Capture) -> None:
    for stream in capture.streams:
        while capture.pump(stream) > 0:
            pass


def test_both_streams_share_the_log(bed: Bed) -> None:
    capture = bed.capture()
    os.write(bed.writers[0], b"one\ntwo\n")
    os.write(bed.writers[1], b"bad\n")
    drain(capture)
    assert bed.records() == [("stdout", "F", b"one"), ("stdout", "F", b"two"), ("stderr", "F", b"bad")]


def test_an_unfinished_line_is_a_part_after_a_second_and_whole_at_the_end(bed: Bed) -> None:
    now = [100.0]
    capture = bed.capture(monotonic=lambda: now[0])
    os.write(bed.writers[0], b"prompt> ")
    drain(capture)
    assert capture.tick() == pytest.approx(1.0)
    assert bed.records() == []
    now[0] += 1.1
    capture.tick()
    assert bed.records() == [("stdout", "P", b"prompt> ")]
    os.write(bed.writers[0], b"yes\nlast")
    drain(capture)
    capture.finish()
    assert [(tag, text) for _, tag, text in bed.records()] == [
        ("P", b"prompt> "),
        ("F", b"yes"),
        ("F", b"last"),
    ]


def test_an_open_part_is_closed_at_the_end(bed: Bed) -> None:
    now = [100.0]
    capture = bed.capture(monotonic=lambda: now[0])
    os.write(bed.writers[0], b"abc")
    drain(capture)
    now[0] += 2
    capture.tick()
    capture.finish()
    assert [(tag, text) for _, tag, text in bed.records()] == [("P", b"abc"), ("F", b"")]


def killed_at(number: int, action: Callable[[], None]) -> bool:
    """Run in a child that kills itself before its n-th system call of interest; whether it was killed."""
    pid = os.fork()
    if not pid:
        left = [number]
        for name in CALLS:
            real = getattr(os, name)

            def counted(*args: Any, _real: Any = real, **options: Any) -> Any:
                left[0] -= 1
                if not left[0]:
                    os.kill(os.getpid(), signal.SIGKILL)
                return _real(*args, **options)

            setattr(os, name, counted)
        try:
            action()
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(pid, 0)[1])


@pytest.mark.parametrize("seed", [1, 2])
def test_killed_before_any_system_call_nothing_is_lost_or_doubled(bed: Bed, seed: int) -> None:
    chance = random.Random(seed)
    printed = [b"", b""]
    number = 0
    while number < 60:
        number += 1
        for stream in (0, 1):
            # Equal lines and unfinished ones: content alone could not tell them apart.
            data = chance.choice((b"same\n" * 40, b"unfinished ", b"x" * 20000 + b"\n", b"%d\n" % number))
            os.write(bed.writers[stream], data)
            printed[stream] += data

        def step() -> None:
            capture = bed.capture(max_size=4000)
            drain(capture)
            capture.tick()

        killed_at(chance.randrange(1, 24), step)
    capture = bed.capture(max_size=4000)
    drain(capture)
    capture.finish()
    for stream, name in enumerate(("stdout", "stderr")):
        assert bed.text(name) == printed[stream].removesuffix(b"\n") + b"\n"


def test_a_torn_write_is_completed_not_doubled(bed: Bed) -> None:
    capture = bed.capture()
    os.write(bed.writers[0], b"one\ntwo\nthree\n")
    for stream in capture.streams[:1]:
        stream.stage.take(stream.fifo)
    before = bed.run.joinpath("progress").read_bytes()
    capture.process(capture.streams[0])
    bed.run.joinpath("progress").write_bytes(before)
    log = bed.logs / "current.log"
    first = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(first[:1]) + first[1][:-2])
    bed.capture().tick()
    assert log.read_bytes().startswith(first[0])
    assert bed.text("stdout") == b"one\ntwo\nthree\n"


def limited(size: int, action: Callable[[], None]) -> None:
    """Run with a limit on file sizes, which fails writes as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        action()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)


def test_on_a_full_disk_output_is_dropped_and_counted(bed: Bed) -> None:
    capture = bed.capture()
    os.write(bed.writers[0], b"x" * 500 + b"\n")
    limited(510, lambda: drain(capture))
    assert capture.dropped == 501
    os.write(bed.writers[0], b"after\n")
    drain(capture)
    assert bed.text("stdout") == b"after\n"
    assert bed.capture().dropped == 501


def test_on_a_full_disk_output_can_wait(bed: Bed) -> None:
    now = [100.0]
    capture = bed.capture(block=True, monotonic=lambda: now[0])
    os.write(bed.writers[0], b"x" * 250 + b"\n" + b"y" * 250 + b"\n")
    limited(540, lambda: drain(capture))
    os.write(bed.writers[0], b"later\n")
    assert capture.pump(capture.streams[0]) == -1
    assert capture.tick() > 0
    now[0] += 2
    capture.tick()
    drain(capture)
    assert bed.text("stdout") == b"x" * 250 + b"\n" + b"y" * 250 + b"\nlater\n"
    assert capture.dropped == 0
