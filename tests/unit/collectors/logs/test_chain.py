from __future__ import annotations

import os
import pathlib

import pytest

from collectors.logs.chain import begins_at, chain_of, find, later_than, opened
from collectors.logs.formats import Unreadable, cri
from tests.unit.collectors.logs.logfile import LogFile, place_of, zipped


@pytest.fixture
def log(tmp_path: pathlib.Path) -> LogFile:
    log = LogFile(tmp_path / "x.log")
    for _ in range(3):
        log.numbers(10)
        log.rename()
    log.numbers(10)
    return log


def test_oldest_first_and_the_current_one_last(log: LogFile) -> None:
    names = [pathlib.Path(sibling.path).name for sibling in chain_of(str(log.path))]
    assert names == ["x.log.0000000001", "x.log.0000000002", "x.log.0000000003", "x.log"]


def test_through_a_symbolic_link_the_siblings_of_the_file_it_names(
    log: LogFile, tmp_path: pathlib.Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "elsewhere" / "link.log"
    link.symlink_to(log.path)
    assert chain_of(str(link)) == chain_of(str(log.path))


def test_without_a_current_file_the_rotated_ones(log: LogFile) -> None:
    log.path.unlink()
    assert len(chain_of(str(log.path))) == 3
    assert chain_of("/does/not/exist") == []


@pytest.mark.parametrize("compressed", [False, True])
def test_a_place_is_found_among_the_siblings(log: LogFile, compressed: bool) -> None:
    second = log.path.with_name("x.log.0000000002")
    fd = os.open(second, os.O_RDONLY)
    place = place_of(fd, 100)
    os.close(fd)
    if compressed:
        zipped(second)
    found = find(place, chain_of(str(log.path)), str(log.path.parent))
    assert found is not None
    assert (
        os.pread(found.fd, 10, 100)
        == (second.read_bytes() if not compressed else os.pread(found.fd, 1000, 0))[100:110]
    )
    assert [pathlib.Path(sibling.path).name for sibling in found.later] == ["x.log.0000000003", "x.log"]
    os.close(found.fd)


def test_a_place_that_is_gone_is_not_found(log: LogFile) -> None:
    fd = os.open(log.path, os.O_RDONLY)
    place = place_of(fd, 100)
    os.close(fd)
    log.path.write_bytes(log.line("other"))
    assert find(place, chain_of(str(log.path)), str(log.path.parent)) is None


def test_a_name_that_means_another_file_now_is_not_opened(log: LogFile) -> None:
    sibling = chain_of(str(log.path))[0]
    os.replace(log.path, sibling.path)
    assert opened(sibling, str(log.path.parent)) is None
    os.unlink(sibling.path)
    assert opened(sibling, str(log.path.parent)) is None


def test_what_begins_later_than_a_time(log: LogFile) -> None:
    chain = chain_of(str(log.path))
    begins = log.time - 15_000_000
    assert later_than(begins, chain, cri) == chain[3:]
    assert later_than(0, chain, cri) == chain


def test_an_archive_tells_when_it_begins_as_the_plain_file_did(log: LogFile) -> None:
    plain = begins_at(chain_of(str(log.path))[1], cri)
    zipped(log.path.with_name("x.log.0000000002"))
    assert begins_at(chain_of(str(log.path))[1], cri) == plain
    log.path.write_bytes(b"")
    assert begins_at(chain_of(str(log.path))[-1], cri) is None


def test_what_is_no_regular_file_is_refused(tmp_path: pathlib.Path) -> None:
    os.mkfifo(tmp_path / "pipe.log")
    (pipe,) = chain_of(str(tmp_path / "pipe.log"))
    with pytest.raises(Unreadable, match="no regular file"):
        opened(pipe, str(tmp_path))
