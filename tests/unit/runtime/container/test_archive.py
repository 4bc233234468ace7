"""Compression of a rotated file: whole or not at all, in a child."""

from __future__ import annotations

import gzip
import os
import pathlib

from runtime.container.archive import compress, compress_in_child


def test_a_child_replaces_the_file_by_its_archive(tmp_path: pathlib.Path) -> None:
    plain = tmp_path / "current.log.0000000001"
    content = os.urandom(100_000) + b"line\n" * 50_000
    plain.write_bytes(content)
    _, status = os.waitpid(compress_in_child(str(plain)), 0)
    assert status == 0
    assert gzip.decompress((tmp_path / "current.log.0000000001.gz").read_bytes()) == content
    assert os.listdir(tmp_path) == ["current.log.0000000001.gz"]


def test_a_file_that_is_gone_leaves_nothing(tmp_path: pathlib.Path) -> None:
    compress(str(tmp_path / "current.log.0000000001"))
    assert os.listdir(tmp_path) == []
