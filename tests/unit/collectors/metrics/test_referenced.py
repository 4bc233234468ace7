"""Memory that is marked as used."""

from __future__ import annotations

import os
import pathlib
import threading
from typing import Any

import pytest

from collectors.metrics import referenced
from collectors.metrics.crew import Crew, Stuck
from collectors.metrics.plan import Host
from collectors.metrics.referenced import Referenced
from collectors.metrics.survey import Subject
from runtime.linux.errors import NotSupported
from runtime.linux.hierarchies import Hierarchies, Hierarchy

A = Subject("/a", 10, 0)
ROLLUP = "55d1c224d000-7ffea142e000 ---p 00000000 00:00 0                          [rollup]\n"
ROLLUP += "Rss:                1612 kB\nReferenced:         {0} kB\nAnonymous:           112 kB\n"


@pytest.fixture
def host(v1: Any) -> Any:
    v1.make("/a")
    return v1


def _rollup(host: Any, pid: int, content: str) -> pathlib.Path:
    path = pathlib.Path(host.host.proc) / f"{pid}/smaps_rollup"
    path.parent.mkdir(parents=True)
    path.write_text(content)
    return path


def test_what_all_processes_referenced_is_told_in_bytes(host: Any) -> None:
    look = Referenced(host.host, Crew("test"))
    look.begin([A])
    assert look.look(A) is None
    _rollup(host, 10, ROLLUP.format(100))
    assert look.look(A) == (102400,)
    # A kernel thread has no memory of its own.
    _rollup(host, 11, "")
    assert look.look(A) == (102400,)
    assert look.look(Subject("/", 1, 0)) is None
    assert look.trouble() == ""


def test_a_process_that_does_not_answer_is_left_behind(host: Any) -> None:
    path = _rollup(host, 10, "")
    path.unlink()
    os.mkfifo(path)
    crew = Crew("test", patience=0.05)
    look = Referenced(host.host, crew)
    with pytest.raises(Stuck, match=r"smaps_rollup has not answered for"):
        look.look(A)
    assert "smaps_rollup has not answered" in crew.trouble()
    # Somebody writes, so that the thread that waits for it ends.
    writer = threading.Thread(target=path.write_text, args=(ROLLUP.format(1),))
    writer.start()
    writer.join(20)
    crew.close()
    crew.dismiss()


def test_this_kernels_figure(tmp_path: pathlib.Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/cgroup.procs").write_text(f"{os.getpid()}\n")
    trees = Hierarchies({"pids": Hierarchy(1, frozenset(("pids",)), str(tmp_path))}, None)
    touched = bytearray(os.urandom(1 << 20))
    told = Referenced(Host(trees), Crew("test")).look(A)
    assert told is not None and isinstance(told[0], int) and told[0] >= len(touched)


def test_a_kernel_without_it_says_why(v1: Any) -> None:
    with pytest.raises(NotSupported, match=r"Linux 4\.14"):
        referenced.survey(v1.host)
