"""States of threads."""

from __future__ import annotations

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
from typing import Any

import pytest

from collectors.metrics.crew import Closed, Crew
from collectors.metrics.plan import Host
from collectors.metrics.survey import Subject
from collectors.metrics.tasks import States
from runtime.linux.hierarchies import Hierarchies, Hierarchy

A = Subject("/a", 10, 0)


@pytest.fixture
def host(v1: Any) -> Any:
    v1.make("/a")
    return v1


def _thread(host: Any, pid: int, thread: int, stat: str) -> None:
    directory = pathlib.Path(host.host.proc) / f"{pid}/task/{thread}"
    directory.mkdir(parents=True)
    (directory / "stat").write_text(stat)


def _told(sleeping: int = 0, running: int = 0, stopped: int = 0, uninterruptible: int = 0) -> Any:
    return (
        (
            (',state="sleeping"', sleeping),
            (',state="running"', running),
            (',state="stopped"', stopped),
            (',state="uninterruptible"', uninterruptible),
        ),
    )


def test_threads_of_all_processes_by_state(host: Any) -> None:
    for thread, letter in enumerate("SSRDTtZI", 10):
        _thread(host, 10, thread, f"{thread} (x) {letter} 1 1\n")
    _thread(host, 11, 11, "11 (a) S (b) R 1 1\n")
    assert States(host.host, Crew("test")).look(A) == _told(2, 2, 2, 1)


def test_nothing_is_told_of_the_root_and_of_what_has_no_processes(host: Any) -> None:
    states = States(host.host, Crew("test"))
    assert states.look(Subject("/", 1, 0)) is None
    assert states.look(Subject("/gone", 1, 0)) is None
    # Its processes have ended meanwhile.
    assert states.look(A) is None


def test_too_many_threads_are_not_looked_at(host: Any) -> None:
    for pid in (10, 11):
        _thread(host, pid, pid, f"{pid} (x) S 1\n")
    states = States(host.host, Crew("test"), most_threads=1)
    assert states.look(A) is None
    assert states.trouble() == "/a: more than 1 threads, so their states are not told"
    shutil.rmtree(pathlib.Path(host.host.proc) / "11")
    assert states.look(A) == _told(1)
    assert states.trouble() == ""
    states.begin([])


def test_the_thread_rests_and_ends_among_many(host: Any) -> None:
    for thread in range(10, 210):
        _thread(host, 10, thread, f"{thread} (x) S 1\n")
    crew = Crew("test")
    states = States(host.host, crew)
    assert states.look(A) == _told(200)
    crew.close()
    with pytest.raises(Closed):
        states.look(A)


def test_this_kernels_states(tmp_path: pathlib.Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        (tmp_path / "a").mkdir()
        (tmp_path / "a/cgroup.procs").write_text(f"{child.pid}\n")
        trees = Hierarchies({"pids": Hierarchy(1, frozenset(("pids",)), str(tmp_path))}, None)
        states = States(Host(trees), Crew("test"))
        os.kill(child.pid, signal.SIGSTOP)
        deadline = time.monotonic() + 20
        while (told := states.look(A)) != _told(stopped=1) and time.monotonic() < deadline:
            os.sched_yield()
        assert told == _told(stopped=1)
        os.kill(child.pid, signal.SIGCONT)
        while (told := states.look(A)) != _told(sleeping=1) and time.monotonic() < deadline:
            os.sched_yield()
        assert told == _told(sleeping=1)
        child.communicate()
