from __future__ import annotations

import os
import pathlib

import pytest

from collectors.logs.siblings import rotated, rotated_from


@pytest.mark.parametrize(
    ("names", "oldest_first"),
    [
        (["x.log.1", "x.log.2", "x.log.10.gz", "x.log.3.gz"], ["x.log.10.gz", "x.log.3.gz", "x.log.2", "x.log.1"]),
        (["x.log.20261124-021617", "x.log.20261123-235959.gz"], ["x.log.20261123-235959.gz", "x.log.20261124-021617"]),
        (["x.log.0000000002", "x.log.0000000010", "x.log.0000000001.gz"],
         ["x.log.0000000001.gz", "x.log.0000000002", "x.log.0000000010"]),
        (["x.log-20261124", "x.log-20261123.gz"], ["x.log-20261123.gz", "x.log-20261124"]),
    ],
)  # fmt: skip
def test_oldest_first_by_the_writers_rule(
    tmp_path: pathlib.Path, names: list[str], oldest_first: list[str]
) -> None:
    for name in names:
        (tmp_path / name).touch()
    found = rotated(str(tmp_path / "x.log"))
    assert [pathlib.Path(sibling.path).name for sibling in found] == oldest_first
    assert all(sibling.gz == sibling.path.endswith(".gz") for sibling in found)
    assert all(sibling.inode == pathlib.Path(sibling.path).stat().st_ino for sibling in found)


def test_others_are_nobodys_siblings(tmp_path: pathlib.Path) -> None:
    for name in (
        "x.log",
        "x.log.tmp",
        "x.log.1.tmp",
        "x.log.1.gz.tmp",
        "x.log.new",
        "yx.log.1",
        "x.logger.1",
        "x.log.1a",
    ):
        (tmp_path / name).touch()
    assert rotated(str(tmp_path / "x.log")) == []


def test_an_archive_is_not_trusted_while_its_plain_file_stands(tmp_path: pathlib.Path) -> None:
    (tmp_path / "x.log.1").touch()
    (tmp_path / "x.log.1.gz").touch()
    (sibling,) = rotated(str(tmp_path / "x.log"))
    assert not sibling.gz


def test_a_missing_directory_has_none(tmp_path: pathlib.Path) -> None:
    assert rotated(str(tmp_path / "gone" / "x.log")) == []


def test_only_files_are_siblings(tmp_path: pathlib.Path) -> None:
    (tmp_path / "secret").write_text("x")
    (tmp_path / "x.log.1").symlink_to(tmp_path / "secret")
    os.mkfifo(tmp_path / "x.log.2.gz")
    (tmp_path / "x.log.3").mkdir()
    (tmp_path / "x.log.4").touch()
    assert [sibling.path for sibling in rotated(str(tmp_path / "x.log"))] == [f"{tmp_path}/x.log.4"]


@pytest.mark.parametrize(
    ("path", "before"),
    [
        ("/l/x.log.1", "/l/x.log"),
        ("/l/x.log.2.gz", "/l/x.log"),
        ("/l/x.log-20261124", "/l/x.log"),
        ("/l/x.log.20261124-021617.gz", "/l/x.log"),
        ("/l/x.log", None),
        ("/l/x-1.log", None),
        ("/l/.1", None),
    ],
)
def test_what_a_rotated_file_was_called(path: str, before: str | None) -> None:
    assert rotated_from(path) == before
