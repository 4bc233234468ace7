"""Row 1, and its growth for row 14: read the files of 1,000 idle containers, against a C program.

Makes cgroups under an own name in each hierarchy of this kernel and removes them. The reference opens,
reads and closes the same files by their paths. Repeat it with `python -m tests.bench.row_01_read`, as root.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator

from collectors.cgroups.reader import Descriptors, contents
from collectors.metrics.gather import Gatherer
from collectors.metrics.plan import PROC, Host
from collectors.metrics.target import Target
from runtime.linux import hierarchies
from runtime.linux.hierarchies import Hierarchies
from tests.bench.table import LeftOut, Result, median

REFERENCE = r"""
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
static char *paths[200000], buffer[65536], line[4096];
static double cpu(void) {
  struct timespec t; clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}
int main(int argc, char **argv) {
  int count = 0, run; FILE *list = fopen(argv[1], "r");
  while (fgets(line, sizeof line, list)) { line[strcspn(line, "\n")] = 0; paths[count++] = strdup(line); }
  for (run = 0; run < 6; run++) {
    double start = cpu();
    for (int i = 0; i < count; i++) {
      int file = open(paths[i], O_RDONLY | O_CLOEXEC);
      if (file < 0 || read(file, buffer, sizeof buffer) < 0) { perror(paths[i]); return 1; }
      close(file);
    }
    printf("%f\n", cpu() - start);
  }
  return 0;
}
"""


@contextlib.contextmanager
def cgroups(trees: Hierarchies, count: int) -> Iterator[list[str]]:
    """So many empty cgroups in every hierarchy, named as long as an engine names them."""
    parent = f"/deckwatch-bench-{uuid.uuid4().hex[:8]}"
    paths = [f"{parent}/{uuid.uuid4().hex}{uuid.uuid4().hex}" for _ in range(count)]
    directories = [tree.directory(path) for tree in trees.all() for path in (parent, *paths)]
    try:
        for tree in trees.all():
            os.mkdir(tree.directory(parent))
            if tree.version == 2:
                delegate(tree.directory(parent))
            for path in paths:
                os.mkdir(tree.directory(path))
        yield paths
    finally:
        for directory in reversed(directories):
            with contextlib.suppress(FileNotFoundError):
                os.rmdir(directory)


def delegate(directory: str) -> None:
    """Give the children of a v2 cgroup every controller that it has itself."""
    with open(f"{directory}/cgroup.controllers") as offered:
        controllers = offered.read().split()
    with open(f"{directory}/cgroup.subtree_control", "w") as control:
        control.write(" ".join(f"+{name}" for name in controllers))


def files_of(gatherer: Gatherer, trees: Hierarchies, path: str) -> list[str]:
    """The files that a pass reads of one container."""
    names = [(file.controller, file.name) for plan in gatherer.usual_files() for file in plan]
    found = [
        f"{trees.directory(controller, path)}/{name}" for controller, name in names if controller != PROC
    ]
    return [file for file in found if os.path.exists(file)]


class C:
    """The reference, compiled."""

    def __init__(self, directory: pathlib.Path) -> None:
        self._directory = directory
        (directory / "reference.c").write_text(REFERENCE)
        subprocess.run(
            ["gcc", "-O2", "-w", "-o", directory / "reference", directory / "reference.c"], check=True
        )

    def milliseconds(self, files: list[str]) -> tuple[float, float]:
        """CPU of the first pass, and the median of those that follow."""
        (self._directory / "list").write_text("\n".join(files) + "\n")
        shown = subprocess.run(
            [self._directory / "reference", self._directory / "list"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        first, *rest = map(float, shown.split())
        return first, sorted(rest)[len(rest) // 2]


class Ours:
    """A gatherer over the same containers; each measure is milliseconds of CPU for all of them."""

    def __init__(self, trees: Hierarchies, paths: list[str], budget: int | None) -> None:
        self._descriptors = Descriptors(budget)
        self._gatherer = Gatherer(Host(trees), self._descriptors)
        self._targets = [Target(path) for path in paths]
        self.one_pass()

    def one_pass(self) -> float:
        """Read and parse as passes do: what is as it was is not parsed again, nor what must be as it was read."""
        self._gatherer.begin()
        start = time.process_time()
        for target in self._targets:
            self._gatherer.row(target, 0.0)
        return (time.process_time() - start) * 1e3

    def busy_pass(self) -> float:
        """Read and parse everything, as of containers that all have changed."""
        for target in self._targets:
            target.seen = [None] * len(target.seen)
        return self.one_pass()

    def reading(self) -> float:
        """Read every file, and no more."""
        groups = [sources for target in self._targets if target.cgroup for sources in target.cgroup.sources]
        start = time.process_time()
        for sources in groups:
            contents(sources)
        return (time.process_time() - start) * 1e3

    @property
    def kept(self) -> int:
        """Descriptors kept open for each container."""
        return self._descriptors.kept // len(self._targets)

    def close(self) -> None:
        """Close them."""
        for target in self._targets:
            self._gatherer.release(target)
        self._gatherer.close()


def measure(reference: C, trees: Hierarchies, paths: list[str]) -> float:
    """Print the rows of so many containers; milliseconds of a pass over busy ones."""
    gatherer = Gatherer(Host(trees), Descriptors(0))
    files = [file for path in paths for file in files_of(gatherer, trees, path)]
    gatherer.close()
    with (
        contextlib.closing(Ours(trees, paths, None)) as within,
        contextlib.closing(Ours(trees, paths, 0)) as beyond,
    ):
        reading = median(within.reading)
        cold, warm = reference.milliseconds(files)
        without = median(beyond.reading)
        idle, busy = median(within.one_pass), median(within.busy_pass)
        note = (
            f"{len(files) // len(paths)} files, {within.kept} descriptors each; C in a cold cache {cold:.1f}"
        )
    row, name, count = "1" if len(paths) == 1000 else "14", "C open/read/close", len(paths)
    print(Result(row, f"read all files of {count} containers", reading, warm, "ms", 0.6, name, note))
    print(Result(row, f"a pass over {count} idle ones, parsing included", idle, warm, "ms", 0.6, name))
    print(Result("14", f"read all files of {count}, beyond the budget", without, warm, "ms", 1.1, name))
    print(f"      a pass over {count} busy ones, parsing included: {busy:.1f} ms")
    return busy


def main() -> None:
    """Print row 1 and the growth up to 1,000 containers, within the descriptor budget and beyond it."""
    trees = hierarchies.detect()
    if os.geteuid() != 0 or shutil.which("gcc") is None:
        print(LeftOut("1", "read the files of 1,000 idle containers", "needs root and gcc"))
        return
    with tempfile.TemporaryDirectory() as directory, cgroups(trees, 1000) as paths:
        reference = C(pathlib.Path(directory))
        costs = {count: measure(reference, trees, paths[:count]) for count in (100, 300, 1000)}
    for small, large in itertools.pairwise(costs):
        doubling = (costs[large] / costs[small]) ** (math.log(2) / math.log(large / small))
        print(
            Result(
                "14",
                f"reading {large} for {small} containers, per doubling",
                doubling,
                1,
                "×",
                2.1,
                "the same work once",
            )
        )


if __name__ == "__main__":
    main()
