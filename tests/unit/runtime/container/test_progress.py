"""The progress record: survives, and damage is noticed."""

from __future__ import annotations

import pathlib

from runtime.container.progress import Progress, ProgressFile


def test_a_record_comes_back_and_damage_does_not(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "progress"
    file = ProgressFile(str(path))
    assert file.read() is None
    record = Progress(7, 1 << 40, 3, 10, 20, 5, True, False)
    file.write(record)
    assert ProgressFile(str(path)).read() == record
    content = bytearray(path.read_bytes())
    content[20] ^= 1
    path.write_bytes(content)
    assert ProgressFile(str(path)).read() is None
    file.close()
