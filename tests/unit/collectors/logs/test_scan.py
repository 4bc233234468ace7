from __future__ import annotations

import os
import pathlib
import random
from collections.abc import Iterator

import pytest

from collectors.logs import scan, segment
from collectors.logs.assemble import Assembler
from collectors.logs.chain import chain_of, opened
from collectors.logs.entry import Entry
from collectors.logs.files import key_of
from collectors.logs.formats import cri, docker_local
from collectors.logs.judge import Judge
from collectors.logs.lines import LineReader
from collectors.logs.record import LogTarget
from collectors.logs.rule import Multiline
from collectors.logs.scan import Log
from collectors.logs.segment import Budget
from collectors.logs.times import render
from collectors.model import LogSource
from tests.unit.collectors.logs.formats.test_docker_local import NS, frame
from tests.unit.collectors.logs.logfile import LogFile, zipped
from tests.unit.collectors.logs.test_archive import noted

END = 1 << 62


def target(path: pathlib.Path) -> LogTarget:
    return LogTarget(id="/x", source=LogSource(path=str(path), format="cri"), container={})


def scanned(
    log: LogFile, *, since: int = 0, until: int = END, grep: str | None = None, budget: int = 1 << 40
) -> Log:
    return Log(
        target(log.path), Judge(grep=grep), grep,
        since=since, until=until, scratch=str(log.path.parent), budget=Budget(budget),
    )  # fmt: skip


def truth(log: LogFile) -> list[Entry]:
    """All entries, read from the very beginning in one go."""
    assembler = Assembler(cri, multiline=Multiline())
    entries: list[Entry] = []
    for sibling in chain_of(str(log.path)):
        fd = opened(sibling, str(log.path.parent))
        assert fd is not None
        reader = LineReader(fd)
        while (batch := reader.read()) is not None:
            entries += assembler.feed(key_of(fd, "/x"), batch.offset, batch.data)
        os.close(fd)
    return entries + assembler.flush()


def identity(entries: list[Entry]) -> list[tuple[int, str, bytes, bytes, int]]:
    return sorted((e.time, e.stream, e.message, e.key, e.offset) for e in entries)


@pytest.fixture(params=range(4))
def log(
    request: pytest.FixtureRequest, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[LogFile]:
    """A log with parts, two streams, stack traces, garbage, rotations and archives, read in small blocks."""
    monkeypatch.setattr(scan, "_FIRST_BLOCK", 2000)
    monkeypatch.setattr(scan, "_LAST_BLOCK", 5000)
    monkeypatch.setattr(scan, "SLACK", 0)
    monkeypatch.setattr(segment, "SLACK", 0)
    chance = random.Random(request.param)
    log = LogFile(tmp_path / "x.log")
    parts = request.param % 3
    for number in range(1000):
        stream = "stderr" if chance.random() < 0.3 else "stdout"
        tag = "P" if parts and chance.random() < 0.2 * parts else "F"
        log.write(
            f"number {number} {'needle' if chance.random() < 0.05 else 'hay'} {'x' * chance.randrange(60)}",
            tag=tag,
            stream=stream,
        )
        if chance.random() < 0.03:
            log.write("java.lang.IllegalStateException: x", stream=stream)
            for _ in range(chance.randrange(5)):
                what = "needle" if chance.random() < 0.2 else "hay"
                log.write(f"\tat com.example.{what}(A.java:7) {'y' * chance.randrange(200)}", stream=stream)
        if parts and chance.random() < 0.01:
            log.append(b"garbage needle\n")
        if chance.random() < 0.008:
            rotated = log.rename()
            if chance.random() < 0.5:
                zipped(rotated)
    yield log


def test_forward_and_backward_give_each_entry_once(log: LogFile) -> None:
    everything = truth(log)
    forward, backward = scanned(log), scanned(log)
    assert identity(list(forward.forward())) == identity(everything)
    assert identity(list(backward.backward())) == identity(everything)
    forward.close()
    backward.close()


def test_both_directions_are_in_order_of_time(log: LogFile) -> None:
    one = scanned(log, grep="^number")
    times = [entry.time for entry in one.backward() if not entry.error]
    assert times == sorted(times, reverse=True)
    times = [entry.time for entry in one.forward() if not entry.error]
    assert times == sorted(times)
    one.close()


@pytest.mark.parametrize(
    "grep", ["needle", "number 1.*needle", "^number 7", "dle.*ump", "needle|hay", "nothing here"]
)
def test_searching_raw_bytes_first_hides_nothing(log: LogFile, grep: str) -> None:
    judge = Judge(grep=grep)
    expected = identity([entry for entry in truth(log) if judge.wants(entry)])
    forward, backward = scanned(log, grep=grep), scanned(log, grep=grep)
    assert identity(list(forward.forward())) == expected
    assert identity(list(backward.backward())) == expected
    forward.close()
    backward.close()


@pytest.mark.parametrize("window", [(0.0, 0.3), (0.3, 0.31), (0.5, 1.1), (0.9, 0.95), (1.1, 1.2)])
def test_a_range_of_time_is_cut_out_exactly(log: LogFile, window: tuple[float, float]) -> None:
    everything = truth(log)
    first, last = min(e.time for e in everything if e.time), log.time
    since, until = (first + int((last - first) * part) for part in window)
    expected = identity([entry for entry in everything if since <= entry.time <= until and not entry.error])
    forward, backward = scanned(log, since=since, until=until), scanned(log, since=since, until=until)
    assert identity([entry for entry in forward.forward() if not entry.error]) == expected
    assert identity([entry for entry in backward.backward() if not entry.error]) == expected
    forward.close()
    backward.close()


def test_a_short_range_of_a_long_file_reads_little(tmp_path: pathlib.Path) -> None:
    log = LogFile(tmp_path / "x.log")
    log.write(*(f"number {number} " + "x" * 200 for number in range(100_000)))
    middle = log.time - 50_000 * 1_000_000
    for direction in ("forward", "backward"):
        one = scanned(log, since=middle, until=middle + 100_000_000)
        assert len(list(getattr(one, direction)())) == 101
        assert one.budget.spent < 1_000_000
        one.close()


def test_the_newest_are_found_without_reading_the_rest(tmp_path: pathlib.Path) -> None:
    log = LogFile(tmp_path / "x.log")
    log.write(*(f"number {number} " + "x" * 200 for number in range(50_000)))
    one = scanned(log)
    newest = one.backward()
    assert [next(newest).message.split()[1] for _ in range(3)] == [b"49999", b"49998", b"49997"]
    assert one.budget.spent < 500_000
    newest.close()
    one.close()


def test_a_boundary_that_was_set_by_time_stays(tmp_path: pathlib.Path) -> None:
    log = LogFile(tmp_path / "x.log")
    log.write("Password: ", tag="P")
    log.write("secret")
    key = truth(log)[0].key
    one = Log(
        target(log.path), Judge(), None,
        since=0, until=END, scratch=str(tmp_path), budget=Budget(1 << 30), cuts={(key, 0, 10)},
    )  # fmt: skip
    assert [(entry.message, entry.partial) for entry in one.forward()] == [
        (b"Password: ", True),
        (b"secret", False),
    ]
    one.close()


def framed(path: pathlib.Path, seed: int) -> list[Entry]:
    """Docker's `local` files, with long lines in parts on both streams; the entries, in order of their beginnings."""
    chance = random.Random(seed)
    written: list[bytes] = []
    half: dict[str, tuple[bytes, int]] = {}
    for number in range(600):
        stream, time = chance.choice(("stdout", "stderr")), NS + number * 10**9
        if stream in half:
            id, ordinal = half[stream]
            last = chance.random() < 0.6
            size = chance.choice((0, 10, 9000)) if last else 16384
            written.append(frame(b"y" * size, stream, time=time, part=(id, ordinal + 1), last=last))
            half[stream] = (id, ordinal + 1)
            if last:
                del half[stream]
        elif chance.random() < 0.1:
            half[stream] = (b"%064d" % number, 1)
            written.append(frame(b"z" * 16384, stream, time=time, part=half[stream]))
        else:
            kind = b"needle" if chance.random() < 0.05 else b"hay"
            written.append(
                frame(b"%d %s\n \0\x1a %s" % (number, kind, b"x" * chance.randrange(300)), stream, time=time)
            )
    cuts = [0, 200, 400, 600]
    names = [f"{path}.2", f"{path}.1", str(path)]
    for name, low, high in zip(names, cuts, cuts[1:], strict=False):
        pathlib.Path(name).write_bytes(b"".join(written[low:high]))
    last_time = f'{{"lastTime":"{render(NS + 199 * 10**9)}"}}'.encode()
    noted(zipped(pathlib.Path(names[0])), last_time, b"".join(written[:200]))
    assembler = Assembler(docker_local, multiline=Multiline())
    entries: list[Entry] = []
    for sibling in chain_of(str(path)):
        fd = opened(sibling, str(path.parent))
        assert fd is not None
        data = os.pread(fd, 1 << 30, 0)
        entries += assembler.feed(key_of(fd, "/x", docker_local.framing), 0, data)
        os.close(fd)
    return entries + assembler.flush()


@pytest.mark.parametrize("seed", range(4))
def test_frames_are_found_as_lines_are(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(scan, "_FIRST_BLOCK", 20_000)
    monkeypatch.setattr(scan, "_LAST_BLOCK", 50_000)
    path = tmp_path / "container.log"
    everything = framed(path, seed)
    about = LogTarget(id="/x", source=LogSource(path=str(path), format="docker_local"), container={})

    def asked(grep: str | None = None, since: int = 0, until: int = END) -> Log:
        return Log(
            about,
            Judge(grep=grep),
            grep,
            since=since,
            until=until,
            scratch=str(tmp_path),
            budget=Budget(1 << 40),
        )

    chance = random.Random(seed)
    for grep in (None, "needle", "^[0-9]+ needle", "zy"):
        for _ in range(4):
            since = NS + chance.randrange(600) * 10**9
            until = since + chance.randrange(300) * 10**9
            expected = [
                entry
                for entry in everything
                if since <= entry.time <= until and (grep is None or Judge(grep=grep).wants(entry))
            ]
            assert identity(list(asked(grep, since, until).forward())) == identity(expected)
            assert identity(list(asked(grep, since, until).backward())) == identity(expected)


def test_an_archive_that_notes_its_end_is_not_unpacked_for_what_came_later(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "container.log"
    framed(path, 1)
    about = LogTarget(id="/x", source=LogSource(path=str(path), format="docker_local"), container={})
    budget = Budget(1 << 40)
    log = Log(
        about, Judge(), None, since=NS + 300 * 10**9, until=END, scratch=str(tmp_path), budget=budget
    )  # fmt: skip
    archive = log._segments[0]
    assert archive.sibling.gz
    assert list(log.forward())
    assert not archive.key
    log.close()
