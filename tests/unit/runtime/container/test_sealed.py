"""Sealed interpreters: run as usual, cannot be written, and a failure says why."""

from __future__ import annotations

import errno
import os
import pathlib
import subprocess
import sys

import pytest

from runtime.container import sealed
from runtime.linux.errors import DeckwatchError

PYTHONS = sorted({os.path.realpath(sys.executable), os.path.realpath("/usr/bin/python3")})
COPIES = [
    pytest.param(
        sealed.overlay_copy,
        marks=[
            pytest.mark.root,
            pytest.mark.skipif(os.geteuid() != 0, reason="mounting an overlay needs root"),
        ],
    ),
    sealed.memory_copy,
]


@pytest.mark.parametrize("python", [path for path in PYTHONS if os.path.exists(path)])
@pytest.mark.parametrize("copy", COPIES)
def test_the_copy_runs_and_finds_its_library_but_cannot_be_written(copy: object, python: str) -> None:
    descriptor = copy(python)  # type: ignore[operator]
    reader, writer = os.pipe()
    pid = os.fork()
    if not pid:
        os.dup2(writer, 1)
        os.execve(descriptor, [python, "-I", "-S", "-c", "import json; print(json.dumps(7))"], {})
    os.close(writer)
    assert os.read(reader, 100) == b"7\n"
    os.waitpid(pid, 0)
    os.close(reader)
    with pytest.raises(OSError, match=r".+") as failed:
        os.write(os.open(f"/proc/self/fd/{descriptor}", os.O_WRONLY), b"#!")
    assert failed.value.errno in (errno.EROFS, errno.EPERM, errno.ETXTBSY, errno.EACCES)
    os.close(descriptor)


def test_a_zygote_that_cannot_serve_says_why(tmp_path: pathlib.Path) -> None:
    (tmp_path / "run").write_text("a file where a directory is due")
    root = str(pathlib.Path(sealed.__file__).parents[2])
    with pytest.raises(DeckwatchError, match=r"sealed copy.*Not a directory"):
        sealed.launch(os.path.realpath(sys.executable), [root, str(tmp_path / "run"), "", "1"])


def test_the_launcher_reports_on_standard_error(tmp_path: pathlib.Path) -> None:
    (tmp_path / "run").write_text("")
    root = str(pathlib.Path(sealed.__file__).parents[2])
    command = [sys.executable, "-I", "-S", "-c", sealed.LAUNCH, root, str(tmp_path / "run"), "", "1"]
    done = subprocess.run(command, capture_output=True, check=False, timeout=20)
    assert done.returncode == 1
    assert done.stderr.count(b"\n") == 1
    assert b"cannot start the zygote" in done.stderr
