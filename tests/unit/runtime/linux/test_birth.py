"""When something was made is remembered by the file system, whatever happens to it."""

from __future__ import annotations

import os
import pathlib

import pytest

from runtime.linux.birth import birth


def test_it_stays_while_all_other_times_move(tmp_path: pathlib.Path) -> None:
    directory = tmp_path / "made"
    directory.mkdir()
    made = birth(str(directory))
    if made is None:
        pytest.skip("the file system of the temporary directory tells no birth")
    assert made == pytest.approx(directory.stat().st_ctime, abs=1)
    (directory / "inside").touch()
    os.utime(directory, (5, 5))
    assert birth(str(directory)) == made


def test_what_is_not_there_was_never_made(tmp_path: pathlib.Path) -> None:
    assert birth(str(tmp_path / "none")) is None


def test_a_link_has_a_birth_of_its_own(tmp_path: pathlib.Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "none")
    if birth(str(tmp_path)) is None:
        pytest.skip("the file system of the temporary directory tells no birth")
    assert birth(str(tmp_path / "link")) is not None
