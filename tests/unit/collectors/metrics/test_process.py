"""Open files of a container's processes."""

from __future__ import annotations

import errno
import os
import pathlib
from typing import Any

import pytest

from collectors.metrics import process
from collectors.metrics.crew import Closed, Crew
from collectors.metrics.process import OpenFiles
from collectors.metrics.survey import Subject
from runtime.linux.errors import NotSupported

LIMITS = "Limit                     Soft Limit           Hard Limit           Units\n"
LIMITS += "Max open files            {soft:<20} 1048576              files\n"


@pytest.fixture
def host(v1: Any) -> Any:
    v1.make("/a")
    return v1


def _process(host: Any, pid: int, soft: int | str, *links: str) -> None:
    """A process with descriptors that lead there; those of the recorded container are 10 and 11."""
    directory = pathlib.Path(host.host.proc) / str(pid)
    (directory / "fd").mkdir(parents=True)
    (directory / "limits").write_text(LIMITS.format(soft=soft))
    for number, link in enumerate(links):
        (directory / f"fd/{number}").symlink_to(link)


def _count(host: Any) -> Any:
    def count(pid: int) -> int | None:
        try:
            return len(os.listdir(f"{host.host.proc}/{pid}/fd"))
        except FileNotFoundError:
            return None

    return count


def _look(host: Any, **more: Any) -> OpenFiles:
    look = OpenFiles(host.host, more.pop("count", _count(host)), more.pop("crew", Crew("test")), **more)
    look.begin([Subject("/a", 10, 0)])
    return look


def test_figures_of_all_processes_and_the_nearest_to_its_limit(host: Any) -> None:
    _process(host, 10, 100, "/dev/null", "socket:[1]", "socket:[2]", "pipe:[3]")
    _process(host, 11, 4, "socket:[1]", "anon_inode:[eventpoll]")
    assert _look(host).look(Subject("/a", 10, 0)) == (6, 3, 0.5, ((',ulimit="max_open_files"', 100),))


def test_one_without_a_limit_is_near_to_none(host: Any) -> None:
    _process(host, 10, "unlimited", "/dev/null")
    assert _look(host).look(Subject("/a", 10, 0)) == (1, 0, None, ((',ulimit="max_open_files"', -1),))


def test_too_many_descriptors_are_not_looked_at(host: Any) -> None:
    _process(host, 10, 100, "socket:[1]", "socket:[2]")
    _process(host, 11, 100, "socket:[3]")
    look = _look(host, most_descriptors=2)
    told = look.look(Subject("/a", 10, 0))
    assert told is not None and told[:2] == (3, None)
    assert look.trouble() == "/a: more than 2 open descriptors, so sockets are not told"
    (pathlib.Path(host.host.proc) / "11/fd/0").unlink()
    told = look.look(Subject("/a", 10, 0))
    assert told is not None and told[:2] == (2, 2)
    assert look.trouble() == ""


def test_what_is_refused_is_absent_with_its_reason(host: Any) -> None:
    _process(host, 10, 100, "socket:[1]")

    def refused(pid: int) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    look = _look(host, count=refused)
    assert look.look(Subject("/a", 10, 0)) == (None, None, None, ((',ulimit="max_open_files"', 100),))
    assert look.trouble().startswith(
        "/a: cannot look at the descriptors of its processes: Permission denied; run"
    )
    look.begin([])
    assert look.trouble() == ""


@pytest.mark.parametrize("subject", [Subject("/", 1, 0), Subject("/gone", 10, 0)])
def test_nothing_is_told_of_the_root_and_of_what_has_no_processes(host: Any, subject: Subject) -> None:
    _process(host, 10, 100, "socket:[1]")
    assert _look(host).look(subject) is None


def test_the_limit_of_a_stranger_who_has_the_pid_now_is_not_told(host: Any) -> None:
    _process(host, 10, 100, "socket:[1]")
    host.process(12, start=7)
    (pathlib.Path(host.host.proc) / "12/limits").write_text(LIMITS.format(soft=8))
    look = _look(host)
    for start, limit in ((7, ((',ulimit="max_open_files"', 8),)), (6, None)):
        told = look.look(Subject("/a", 12, start))
        assert told is not None and told[3] == limit


def test_the_thread_rests_and_ends_among_many_processes(host: Any) -> None:
    crew = Crew("test")
    host.write("pids", "/a", "cgroup.procs", "".join(f"{pid}\n" for pid in range(1000, 1200)))
    look = _look(host, crew=crew)
    # All of them have ended meanwhile.
    assert look.look(Subject("/a", 0, 0)) == (None, None, None, None)
    crew.close()
    with pytest.raises(Closed):
        look.look(Subject("/a", 0, 0))


def test_a_host_whose_descriptors_are_hidden_says_so(v1: Any) -> None:
    with pytest.raises(NotSupported, match=r"cannot look at .*/self/fd: No such file"):
        process.survey(v1.host)
