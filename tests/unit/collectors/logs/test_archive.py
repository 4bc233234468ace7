from __future__ import annotations

import gzip
import os
import pathlib

import pytest

from collectors.logs import archive

CONTENT = b"".join(b"line %d\n" % number for number in range(100_000))


@pytest.fixture
def packed(tmp_path: pathlib.Path) -> str:
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(CONTENT))
    return str(path)


def test_the_head_is_read_without_the_rest(packed: str) -> None:
    assert archive.head_of(packed, 100) == CONTENT[:100]


def test_a_plain_copy_has_no_name(packed: str, tmp_path: pathlib.Path) -> None:
    fd = archive.unpacked(packed, str(tmp_path))
    try:
        assert os.fstat(fd).st_size == len(CONTENT)
        assert os.pread(fd, 20, len(CONTENT) - 20) == CONTENT[-20:]
        assert os.listdir(tmp_path) == ["a.gz"]
    finally:
        os.close(fd)


def test_more_than_the_limit_is_refused(packed: str, tmp_path: pathlib.Path) -> None:
    with pytest.raises(archive.TooLarge, match="max_bytes"):
        archive.unpacked(packed, str(tmp_path), limit=1000)


@pytest.mark.parametrize("keep", [0, 5, 1000])
def test_a_broken_archive_gives_what_can_be_read(packed: str, tmp_path: pathlib.Path, keep: int) -> None:
    whole = pathlib.Path(packed).read_bytes()
    broken = tmp_path / "b.gz"
    broken.write_bytes(whole[:keep])
    assert CONTENT.startswith(b"".join(archive.pieces(str(broken))))
    assert CONTENT.startswith(archive.head_of(str(broken), 10))


def test_what_is_no_archive_is_empty(tmp_path: pathlib.Path) -> None:
    (tmp_path / "c.gz").write_bytes(b"plain text")
    assert b"".join(archive.pieces(str(tmp_path / "c.gz"))) == b""


def noted(path: pathlib.Path, extra: bytes, content: bytes = CONTENT) -> str:
    """An archive with an EXTRA field, as Docker writes it."""
    packed = gzip.compress(content, mtime=0)
    head = packed[:3] + bytes([packed[3] | 4]) + packed[4:10]
    path.write_bytes(head + len(extra).to_bytes(2, "little") + extra + packed[10:])
    return str(path)


def test_the_last_time_is_read_from_the_extra_field(tmp_path: pathlib.Path) -> None:
    path = noted(tmp_path / "x.gz", b'{"lastTime":"1970-01-01T00:01:40.5Z"}')
    assert archive.last_time(path) == 100_500_000_000
    assert archive.head_of(path, 100) == CONTENT[:100]


@pytest.mark.parametrize(
    "extra", [b"", b"{}", b"AB\x02\0xy", b'{"lastTime":"0001-01-01T00:00:00Z"}', b'{"lastTime":"soon"}']
)
def test_an_extra_field_of_another_kind_tells_nothing(tmp_path: pathlib.Path, extra: bytes) -> None:
    assert archive.last_time(noted(tmp_path / "x.gz", extra)) is None


def test_an_archive_without_the_field_tells_nothing(packed: str, tmp_path: pathlib.Path) -> None:
    assert archive.last_time(packed) is None
    assert archive.last_time(str(tmp_path / "none.gz")) is None
    (tmp_path / "short.gz").write_bytes(b"\x1f\x8b\x08\x04")
    assert archive.last_time(str(tmp_path / "short.gz")) is None
