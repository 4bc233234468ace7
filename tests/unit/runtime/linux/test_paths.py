"""Whatever lies in a root, nothing outside of it is opened or made."""

from __future__ import annotations

import errno
import os
import pathlib
import stat
from collections.abc import Iterator

import pytest

from runtime.linux.paths import directory_in_root, file_in_root, open_in_root


@pytest.fixture
def root(tmp_path: pathlib.Path) -> Iterator[tuple[int, pathlib.Path]]:
    inside = tmp_path / "root"
    inside.mkdir()
    (tmp_path / "outside").mkdir()
    descriptor = os.open(inside, os.O_PATH | os.O_DIRECTORY)
    yield descriptor, inside
    os.close(descriptor)


def path_of(descriptor: int) -> str:
    path = os.readlink(f"/proc/self/fd/{descriptor}")
    os.close(descriptor)
    return path


@pytest.mark.parametrize("link", ["/etc", "../../../../etc", "/../etc"])
def test_symlinks_stay_inside(root: tuple[int, pathlib.Path], link: str) -> None:
    descriptor, inside = root
    (inside / "etc").mkdir()
    (inside / "link").symlink_to(link)
    assert path_of(open_in_root(descriptor, "/link")) == str(inside / "etc")


def test_dots_stop_at_the_root(root: tuple[int, pathlib.Path]) -> None:
    descriptor, inside = root
    assert path_of(open_in_root(descriptor, "../../..")) == str(inside)


def test_magic_links_are_not_followed() -> None:
    proc = os.open("/proc", os.O_PATH)
    try:
        with pytest.raises(OSError, match="symbolic links") as caught:
            open_in_root(proc, "self/cwd/x")
        assert caught.value.errno == errno.ELOOP
    finally:
        os.close(proc)


def test_directories_are_made_with_their_parents(root: tuple[int, pathlib.Path]) -> None:
    descriptor, inside = root
    assert path_of(directory_in_root(descriptor, "/a/b/c")) == str(inside / "a/b/c")
    assert path_of(directory_in_root(descriptor, "/a/b/c")) == str(inside / "a/b/c")


def test_nothing_is_made_through_a_link_that_leaves(
    root: tuple[int, pathlib.Path], tmp_path: pathlib.Path
) -> None:
    descriptor, inside = root
    (inside / "link").symlink_to("../outside")
    with pytest.raises(FileNotFoundError):
        directory_in_root(descriptor, "/link/made")
    assert list((tmp_path / "outside").iterdir()) == []


def test_a_missing_parent_of_dots_is_refused(root: tuple[int, pathlib.Path]) -> None:
    descriptor, _ = root
    with pytest.raises(OSError) as caught:
        directory_in_root(descriptor, "/missing/../x")
    assert caught.value.errno == errno.EINVAL


def test_a_file_is_made_once_and_kept(root: tuple[int, pathlib.Path]) -> None:
    descriptor, inside = root
    made = file_in_root(descriptor, "/dir/file")
    assert stat.S_ISREG(os.fstat(made).st_mode)
    os.close(made)
    (inside / "dir/file").write_text("kept")
    os.close(file_in_root(descriptor, "/dir/file"))
    assert (inside / "dir/file").read_text() == "kept"
