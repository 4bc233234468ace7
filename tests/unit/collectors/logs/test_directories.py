from __future__ import annotations

import errno
import pathlib
import select

import pytest

from collectors.logs.directories import Directories
from runtime.linux.errors import KernelError


def happened(inotify: Directories) -> set[str | None]:
    assert select.select([inotify.fd], [], [], 5)[0]
    return set(inotify.read())


def test_writes_creations_and_renames_are_told_by_path(tmp_path: pathlib.Path) -> None:
    inotify = Directories()
    inotify.watch(str(tmp_path))
    inotify.watch(str(tmp_path))
    (tmp_path / "a").touch()
    assert happened(inotify) == {str(tmp_path / "a")}
    (tmp_path / "a").write_text("x")
    assert happened(inotify) == {str(tmp_path / "a")}
    (tmp_path / "a").rename(tmp_path / "b")
    assert happened(inotify) == {str(tmp_path / "b")}
    assert list(inotify.read()) == []
    inotify.close()


def test_what_is_watched_no_longer_is_silent(tmp_path: pathlib.Path) -> None:
    inotify = Directories()
    inotify.watch(str(tmp_path))
    inotify.unwatch(str(tmp_path))
    (tmp_path / "a").touch()
    assert list(inotify.read()) == []
    inotify.watch(str(tmp_path))
    (tmp_path / "b").touch()
    assert happened(inotify) == {str(tmp_path / "b")}
    inotify.close()


def test_a_directory_that_was_removed_can_be_watched_again(tmp_path: pathlib.Path) -> None:
    inotify = Directories()
    directory = tmp_path / "d"
    directory.mkdir()
    inotify.watch(str(directory))
    directory.rmdir()
    happened(inotify)
    directory.mkdir()
    inotify.watch(str(directory))
    (directory / "a").touch()
    assert str(directory / "a") in happened(inotify)
    inotify.close()


def test_a_queue_that_ran_over_is_told(tmp_path: pathlib.Path) -> None:
    most = int(pathlib.Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    if most > 50_000:
        pytest.skip(f"the queue holds {most} events")
    inotify = Directories()
    inotify.watch(str(tmp_path))
    with open(tmp_path / "a", "wb", buffering=0) as a, open(tmp_path / "b", "wb", buffering=0) as b:
        for _ in range(most // 2 + 10):
            a.write(b"x")
            b.write(b"x")
    told: list[str | None] = []
    while batch := list(inotify.read()):
        told += batch
    assert told[-1] is None
    inotify.close()


def test_a_missing_directory_is_an_error_with_its_name(tmp_path: pathlib.Path) -> None:
    inotify = Directories()
    with pytest.raises(KernelError, match="gone") as caught:
        inotify.watch(str(tmp_path / "gone"))
    assert caught.value.errno == errno.ENOENT
    inotify.close()
