"""Lines stay whole through rotation, kills and full disks."""

from __future__ import annotations

import gzip
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from agent.shipping.rotated import Rotated


def lines(start: int, end: int) -> list[bytes]:
    return [b"%09d\n" % number for number in range(start, end)]


def content(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def files(directory: Path) -> list[str]:
    return sorted(os.listdir(directory))


def test_files_move_on_and_the_oldest_goes(tmp_path: Path) -> None:
    file = Rotated(str(tmp_path / "log"), 100, 3, compress=False)
    file.append(lines(0, 45))
    assert files(tmp_path) == ["log", "log.1", "log.2"]
    assert (tmp_path / "log").read_bytes() == b"".join(lines(40, 45))
    assert (tmp_path / "log.1").read_bytes() == b"".join(lines(30, 40))
    assert (tmp_path / "log.2").read_bytes() == b"".join(lines(20, 30))
    file.close()


def test_compressed_ones_hold_the_same_and_the_modes_stay(tmp_path: Path) -> None:
    file = Rotated(str(tmp_path / "log"), 1000, 4, compress=True)
    for start in range(0, 350, 7):
        file.append(lines(start, start + 7))
    file.close()
    assert files(tmp_path) == ["log", "log.1.gz", "log.2.gz", "log.3.gz"]
    whole = b"".join(content(tmp_path / name) for name in ("log.3.gz", "log.2.gz", "log.1.gz", "log"))
    assert whole == b"".join(lines(0, 350))
    assert {(tmp_path / name).stat().st_mode & 0o777 for name in files(tmp_path)} == {0o640 & ~_umask()}


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_fewer_files_and_leftovers_of_a_kill_are_tidied(tmp_path: Path) -> None:
    for name in ("log.1", "log.1.gz", "log.1.gz.tmp", "log.2", "log.3.gz"):
        (tmp_path / name).write_bytes(b"old\n")
    file = Rotated(str(tmp_path / "log"), 100, 3, compress=True)
    file.append(lines(0, 15))
    file.close()
    assert files(tmp_path) == ["log", "log.1.gz", "log.2.gz"]
    assert (tmp_path / "log.2.gz").read_bytes() == b"old\n"


def test_one_file_alone_is_begun_anew(tmp_path: Path) -> None:
    file = Rotated(str(tmp_path / "log"), 100, 1, compress=True)
    file.append(lines(0, 25))
    file.close()
    assert files(tmp_path) == ["log"]
    assert (tmp_path / "log").read_bytes() == b"".join(lines(20, 25))


def test_a_line_beyond_the_size_has_a_file_of_its_own(tmp_path: Path) -> None:
    file = Rotated(str(tmp_path / "log"), 100, 5, compress=False)
    file.append([b"a\n", b"b" * 500 + b"\n", b"c\n"])
    file.close()
    assert [content(tmp_path / name)[:1] for name in ("log.2", "log.1", "log")] == [b"a", b"b", b"c"]


@pytest.mark.parametrize("torn", [b"torn", b"x" * 200_000])
def test_a_torn_last_line_is_cut_at_open(tmp_path: Path, torn: bytes) -> None:
    path = tmp_path / "log"
    for before in (b"", b"whole\n"):
        path.write_bytes(before + torn)
        file = Rotated(str(path), 1 << 20, 2, compress=False)
        file.append([b"next\n"])
        file.close()
        assert path.read_bytes() == before + b"next\n"


def test_a_writer_killed_at_any_moment_leaves_whole_lines(tmp_path: Path) -> None:
    code = (
        "import itertools, sys\n"
        "from agent.shipping.rotated import Rotated\n"
        f"file = Rotated({str(tmp_path / 'log')!r}, 5000, 1000, compress=True)\n"
        "for start in itertools.count(int(sys.argv[1]), 100):\n"
        "    file.append([b'%09d\\n' % number for number in range(start, start + 100)])\n"
        "    print(start + 100, flush=True)\n"
    )
    acknowledged = 0
    for _ in range(4):
        command = [sys.executable, "-c", code, str(acknowledged)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout
            for _ in range(7):
                acknowledged = int(process.stdout.readline())
            process.send_signal(signal.SIGKILL)
            for line in process.stdout:
                acknowledged = int(line)
    file = Rotated(str(tmp_path / "log"), 1 << 30, 1000, compress=True)
    file.append([b"%09d\n" % acknowledged])
    file.close()
    found: set[int] = set()
    for name in files(tmp_path):
        if not name.endswith(".tmp"):
            data = content(tmp_path / name)
            assert len(data) % 10 == 0
            found.update(int(line) for line in data.split())
    assert set(range(acknowledged)) <= found


def test_of_a_failed_write_nothing_stays(tmp_path: Path) -> None:
    path = tmp_path / "log"
    file = Rotated(str(path), 1 << 20, 2, compress=False)
    file.append([b"before\n"])
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            file.append([b"x" * 2000 + b"\n"])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert path.read_bytes() == b"before\n"
    file.append([b"after\n"])
    assert path.read_bytes() == b"before\nafter\n"
    file.close()


def test_a_file_moved_away_by_others_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "log"
    file = Rotated(str(path), 1 << 20, 2, compress=False)
    file.append([b"a\n"])
    path.rename(tmp_path / "elsewhere")
    file.append([b"b\n"])
    assert path.read_bytes() == b"b\n"
    path.unlink()
    file.append([b"c\n"])
    assert path.read_bytes() == b"c\n"
    file.close()


def test_two_do_not_write_one_file_and_links_are_not_followed(tmp_path: Path) -> None:
    path = tmp_path / "log"
    one = Rotated(str(path), 1 << 20, 2, compress=False)
    one.append([b"a\n"])
    other = Rotated(str(path), 1 << 20, 2, compress=False)
    with pytest.raises(BlockingIOError):
        other.append([b"b\n"])
    one.close()
    other.append([b"b\n"])
    other.close()
    (tmp_path / "link").symlink_to(path)
    with pytest.raises(OSError, match="symbolic links"):
        Rotated(str(tmp_path / "link"), 1 << 20, 2, compress=False).append([b"c\n"])
    assert path.read_bytes() == b"a\nb\n"
