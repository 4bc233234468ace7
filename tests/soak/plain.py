"""Plain cgroups that come and go, each with one process, in every hierarchy: `python -m tests.soak.plain PARENT …`.

A population as large as wanted stands all the time; beyond it the oldest go as engines let them go: the process
is killed, a few milliseconds later the cgroup is removed. Every fourth process ends at once of its own. Ends when
its standard input does, removes all it made, and has then written one line for each cgroup it removed: its name
and the CPU nanoseconds that the kernel counted for it.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import gc
import itertools
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from typing import NamedTuple, NoReturn

from runtime.linux import hierarchies
from runtime.linux.hierarchies import UNIFIED, Hierarchies
from tests.integration.engines import cgroup_directories, remove_cgroups, wait_until

TICK = 0.02
BURN = 0.004
ENDS_AT_ONCE = 4
MOST_AT_ONCE = 20
_PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None)


class Made(NamedTuple):
    """A cgroup with its process."""

    name: str
    pid: int


class Churn:
    """The cgroups below one parent."""

    def __init__(self, trees: Hierarchies, parent: str) -> None:
        self._trees = trees
        self._parent = parent
        self._directories = [tree.directory(parent) for tree in trees.all()]
        self._numbers = itertools.count()
        self.living: deque[Made] = deque()
        self._ended: list[Made] = []

    def open(self) -> None:
        """Make the parent."""
        for tree, directory in zip(self._trees.all(), self._directories, strict=True):
            os.mkdir(directory)
            if tree.version == 2:
                delegate(directory)
            elif "cpuset" in tree.controllers:
                inherit_cpuset(directory)

    def make(self) -> None:
        """One more, with a process that uses a little CPU in it and then waits, or ends at once."""
        number = next(self._numbers)
        name = f"soak-{number:06d}"
        files = [f"{directory}/{name}/cgroup.procs" for directory in self._directories]
        for directory in self._directories:
            os.mkdir(f"{directory}/{name}")
        pid = os.fork()
        if pid == 0:
            _live(files, stays=number % ENDS_AT_ONCE != 0)
        self.living.append(Made(name, pid))

    def turn(self, count: int) -> None:
        """Remove those that were ended a turn ago, then end the oldest so many."""
        for one in self._ended:
            self._remove(one)
        self._ended = [self.living.popleft() for _ in range(min(count, len(self.living)))]
        for one in self._ended:
            os.kill(one.pid, signal.SIGKILL)
        for one in self._ended:
            os.waitpid(one.pid, 0)

    def close(self) -> None:
        """End and remove all, the parent too."""
        while self.living or self._ended:
            self.turn(50)
            time.sleep(TICK)
        for directory in self._directories:
            os.rmdir(directory)

    def _remove(self, one: Made) -> None:
        print(one.name, self._cpu(one.name))
        for directory in self._directories:
            os.rmdir(f"{directory}/{one.name}")

    def _cpu(self, name: str) -> int:
        path = f"{self._parent}/{name}"
        if "cpuacct" in self._trees.v1:
            with open(f"{self._trees.directory('cpuacct', path)}/cpuacct.usage") as file:
                return int(file.read())
        with open(f"{self._trees.directory(UNIFIED, path)}/cpu.stat") as file:
            return int(file.readline().split()[1]) * 1000


def delegate(directory: str) -> None:
    """Give the children of a v2 cgroup every controller that it has itself."""
    with open(f"{directory}/cgroup.controllers") as offered:
        controllers = offered.read().split()
    with open(f"{directory}/cgroup.subtree_control", "w") as control:
        control.write(" ".join(f"+{name}" for name in controllers))


def inherit_cpuset(directory: str) -> None:
    """Let a v1 cpuset and all made in it have the processors and the memory of the one above, and so processes."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        with open(f"{os.path.dirname(directory)}/{name}") as above, open(f"{directory}/{name}", "w") as own:
            own.write(above.read())
    with open(f"{directory}/cgroup.clone_children", "w") as own:
        own.write("1")


def _live(files: list[str], *, stays: bool) -> NoReturn:
    """The process in a cgroup; it never outlives the one that made it."""
    try:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        for file in files:
            with open(file, "w") as procs:
                procs.write("0")
        until = time.process_time() + BURN
        while time.process_time() < until:
            pass
        while stays:
            signal.pause()
    finally:
        os._exit(0)


class PlainChurn:
    """The churn as a process of its own; `parent` is the cgroup that it makes and removes."""

    def __init__(self, parent: str, *, population: int, per_second: float) -> None:
        self.parent = parent
        self._options = [f"--population={population}", f"--per-second={per_second}"]
        self._process: subprocess.Popen[str] | None = None
        self._lines = tempfile.TemporaryFile("w+")  # noqa: SIM115

    def start(self) -> None:
        """Begin."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.soak.plain", self.parent, *self._options],
            stdin=subprocess.PIPE,
            stdout=self._lines,
            text=True,
        )

    def stop(self) -> dict[str, float | None]:
        """End and remove all; each cgroup's name with the CPU seconds it had in the end."""
        assert self._process is not None and self._process.stdin is not None
        self._process.stdin.close()
        try:
            status = self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
            raise
        finally:
            wait_until(self._removed, "the end of all that was made")
        assert status == 0, f"the churn ended with status {status}"
        self._lines.seek(0)
        pairs = (line.split() for line in self._lines)
        return {name: int(nanoseconds) / 1e9 for name, nanoseconds in pairs}

    def _removed(self) -> bool:
        remove_cgroups(self.parent)
        return not cgroup_directories(self.parent)


def main() -> None:
    """Entry point of the process."""
    parser = argparse.ArgumentParser(prog="tests.soak.plain", description=__doc__)
    parser.add_argument("parent")
    parser.add_argument("--population", type=int, required=True)
    parser.add_argument("--per-second", type=float, required=True)
    options = parser.parse_args()
    gc.collect()
    gc.freeze()
    churn = Churn(hierarchies.detect(), options.parent)
    churn.open()
    begun = time.monotonic()
    made = 0
    with contextlib.closing(churn):
        while not select.select([sys.stdin], [], [], TICK)[0]:
            due = int((time.monotonic() - begun) * options.per_second)
            # What a busy machine did not get to is left out.
            for _ in range(min(due - made, MOST_AT_ONCE)):
                churn.make()
            made = due
            churn.turn(min(MOST_AT_ONCE, max(0, len(churn.living) - options.population)))
            sys.stdout.flush()


if __name__ == "__main__":
    main()
