"""Being on time without taking the host's CPUs away."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root to be scheduled as real time"),
]

SCRIPT = """
import os, subprocess, sys, time
from agent import urgency
RR, OTHER = os.SCHED_RR, os.SCHED_OTHER
policy = lambda: os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK
urgency.bound_urgency()
refused = urgency.become_urgent()
if refused:
    print("refused", refused)
    sys.exit()
"""


def run(body: str) -> str:
    """What a process of its own prints: this one stays as it is."""
    finished = subprocess.run(
        [sys.executable, "-c", SCRIPT + body], capture_output=True, text=True, timeout=30, check=True
    )
    if finished.stdout.startswith("refused"):
        pytest.skip(f"this host does not allow real time: {finished.stdout}")
    return finished.stdout


def test_a_scrape_is_ordinary_work() -> None:
    body = """
print(policy() == RR)
with urgency.ordinary_work():
    print(policy() == OTHER)
print(policy() == RR)
"""
    assert run(body).split() == ["True", "True", "True"]


def test_what_is_started_from_here_is_ordinary() -> None:
    body = """
child = "import os; print(os.sched_getscheduler(0) == os.SCHED_OTHER)"
print(subprocess.run([sys.executable, "-c", child], capture_output=True, text=True).stdout)
"""
    assert run(body).split() == ["True"]


def test_whoever_spins_is_made_ordinary_and_goes_on() -> None:
    body = """
end = time.monotonic() + 20
while policy() == RR and time.monotonic() < end:
    pass
print(policy() == OTHER)
"""
    assert run(body).split() == ["True"]


def test_threads_that_come_later_are_made_urgent_too() -> None:
    body = """
import threading
keeper = urgency.Urgency()
keeper.keep()
urgency.become_ordinary()
keeper.keep()
print(policy() == RR)
go, told = threading.Event(), []
def late():
    urgency.become_ordinary()
    go.wait(10)
    told.append(policy() == RR)
thread = threading.Thread(target=late)
thread.start()
deadline = time.monotonic() + 10
while os.sched_getscheduler(thread.native_id) & ~os.SCHED_RESET_ON_FORK != OTHER and time.monotonic() < deadline:
    time.sleep(0.01)
keeper.keep()
go.set()
thread.join()
print(told[0])
"""
    assert run(body).split() == ["True", "True"]
