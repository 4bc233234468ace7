"""Delays of processes, as this kernel tells them."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from runtime.linux.errors import NotSupported
from runtime.linux.taskstats import BATCH, Taskstats

BURN = "import time\nend = time.process_time() + 0.05\nwhile time.process_time() < end: pass\ninput()"


@pytest.fixture
def taskstats() -> Iterator[Taskstats]:
    try:
        opened = Taskstats()
    except NotSupported as error:
        pytest.skip(error.reason)
    with opened:
        yield opened


def _waited(pid: int) -> int:
    """Nanoseconds that the first thread of a process waited for a CPU, as procfs says it."""
    with open(f"/proc/{pid}/schedstat", encoding="ascii") as file:
        return int(file.read().split()[1])


def test_the_wait_for_a_cpu_is_what_schedstat_says(taskstats: Taskstats) -> None:
    with subprocess.Popen([sys.executable, "-c", BURN], stdin=subprocess.PIPE) as child:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            before = _waited(child.pid)
            ((pid, delays),) = taskstats.delays([child.pid])
            if before == _waited(child.pid) and before:
                break
        assert (pid, delays[taskstats.resources.index("cpu")]) == (child.pid, before)
        assert len(delays) == len(taskstats.resources)
        child.communicate()


def test_ended_threads_are_in_it(taskstats: Taskstats) -> None:
    cpu = taskstats.resources.index("cpu")
    waits: list[int] = []

    def wait_for_a_cpu() -> None:
        before = threading.get_native_id()
        until = time.monotonic() + 20
        while not _waited_by(before) and time.monotonic() < until:
            os.sched_yield()
        waits.append(_waited_by(before))

    ((_, earlier),) = taskstats.delays([os.getpid()])
    threads = [threading.Thread(target=wait_for_a_cpu) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ((_, later),) = taskstats.delays([os.getpid()])
    assert len(waits) == 3 and later[cpu] - earlier[cpu] >= sum(waits) > 0


def _waited_by(thread: int) -> int:
    with open(f"/proc/self/task/{thread}/schedstat", encoding="ascii") as file:
        return int(file.read().split()[1])


def test_who_is_not_there_is_left_out_and_the_others_are_told(taskstats: Taskstats) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    own = os.getpid()
    told = taskstats.delays([own, ended.pid, 1, ended.pid, own])
    assert [pid for pid, _ in told] == [own, 1, own]
    assert len(taskstats.delays([own] * BATCH)) == BATCH
    assert taskstats.delays([]) == []


def test_numbers_of_requests_start_again_before_they_run_out(taskstats: Taskstats) -> None:
    del taskstats
    own = os.getpid()
    with Taskstats(sequence=(1 << 31) - 3) as late:
        for _ in range(4):
            assert [pid for pid, _ in late.delays([own, own])] == [own, own]


def test_this_kernel_counts(taskstats: Taskstats) -> None:
    assert taskstats.counts(os.getpid())
    assert taskstats.resources[:3] == ("cpu", "blkio", "swapin")


@pytest.mark.skipif(os.geteuid() != 0, reason="gives up root's rights in a child")
def test_without_the_right_the_reason_names_it(taskstats: Taskstats) -> None:
    del taskstats
    script = (
        "import sys\n"
        "from runtime.linux.errors import NotSupported\n"
        "from runtime.linux.taskstats import Taskstats\n"
        "try:\n    Taskstats()\nexcept NotSupported as error:\n    sys.exit(error.reason)\n"
    )
    finished = subprocess.run(
        [sys.executable, "-c", "import os\nos.setresgid(65534, 65534, 65534)\n"
         "from runtime.linux import errors, taskstats\nos.setresuid(65534, 65534, 65534)\n" + script],
        capture_output=True, text=True, timeout=30, check=False, cwd=os.getcwd(),
    )  # fmt: skip
    assert finished.returncode == 1
    assert (
        finished.stderr.strip() == "taskstats are not given to this process; run as root or add CAP_NET_ADMIN"
    )
