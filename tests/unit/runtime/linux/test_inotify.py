"""Notifications of the kernel."""

from __future__ import annotations

import pathlib
import select

import pytest

from runtime.linux.inotify import IN_CREATE, IN_DELETE, IN_IGNORED, IN_ISDIR, Inotify


def test_directories_made_and_removed_are_told_in_order(tmp_path: pathlib.Path) -> None:
    inotify = Inotify()
    try:
        number = inotify.watch(str(tmp_path), IN_CREATE | IN_DELETE)
        assert list(inotify.events()) == []
        (tmp_path / "a").mkdir()
        (tmp_path / "a").rmdir()
        assert select.select([inotify.descriptor], [], [], 5)[0]
        assert list(inotify.events()) == [
            (number, IN_CREATE | IN_ISDIR, "a"),
            (number, IN_DELETE | IN_ISDIR, "a"),
        ]
        tmp_path.rmdir()
        assert [mask for _, mask, _ in inotify.events()] == [IN_IGNORED]
    finally:
        inotify.close()


def test_a_file_or_nothing_is_refused_by_name(tmp_path: pathlib.Path) -> None:
    inotify = Inotify()
    try:
        (tmp_path / "file").touch()
        with pytest.raises(NotADirectoryError, match="file"):
            inotify.watch(str(tmp_path / "file"), IN_CREATE)
        with pytest.raises(FileNotFoundError, match="missing"):
            inotify.watch(str(tmp_path / "missing"), IN_CREATE)
    finally:
        inotify.close()
