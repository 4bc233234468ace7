"""What tests may leave on a machine: processes, cgroups, mounts, links, named network namespaces, nft tables.

Only what bears a name of the tests counts, so that other work on the same machine is in nobody's way.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from typing import NamedTuple

from runtime.linux import mountinfo

PATIENCE = 5.0


class Marks(NamedTuple):
    """How something is known as this session's own: its temporary directory, or its process id in a name."""

    temporary: str
    pid: int

    def in_path(self, text: str) -> bool:
        """Whether a path or a command line names a directory of the session."""
        return f"{self.temporary}/" in text or re.search(rf"/dw[a-z]-{self.pid}-", text) is not None

    def in_name(self, name: str) -> bool:
        """Whether a cgroup, link, namespace or table is called as the tests call theirs."""
        return re.match(rf"(deckwatch|dw).*?(?<!\d){self.pid}(?!\d)", name) is not None


def found(marks: Marks) -> set[str]:
    """One line for each thing of the session that is there now."""
    return {*_processes(marks), *_mounts(marks), *_cgroups(marks), *_others(marks)}


def settled(marks: Marks) -> set[str]:
    """What is still there after the moment that ending processes get."""
    deadline = time.monotonic() + PATIENCE
    while (left := found(marks)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left


def _processes(marks: Marks) -> Iterator[str]:
    own = _ancestors()
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) in own:
            continue
        try:
            with open(f"/proc/{name}/cmdline", "rb") as file:
                command = file.read().replace(bytes(1), b" ").decode(errors="replace").strip()
        except OSError:
            continue
        if marks.in_path(command):
            yield f"process {name}: {command[:200]}"


def _ancestors() -> set[int]:
    """This process and those above it: a shell that runs the tests may name their directories, too."""
    found = {os.getpid()}
    current = os.getpid()
    while current > 1:
        with open(f"/proc/{current}/stat", encoding="utf-8", errors="replace") as file:
            current = int(file.read().rpartition(")")[2].split()[1])
        found.add(current)
    return found


def _mounts(marks: Marks) -> Iterator[str]:
    return (f"mount {mount.target}" for mount in mountinfo.read() if marks.in_path(mount.target))


def _cgroups(marks: Marks) -> Iterator[str]:
    for mount in mountinfo.read():
        if mount.fs_type in ("cgroup", "cgroup2"):
            yield from (
                f"cgroup {mount.target}/{name}" for name in os.listdir(mount.target) if marks.in_name(name)
            )


def _others(marks: Marks) -> Iterator[str]:
    yield from (f"link {name}" for name in os.listdir("/sys/class/net") if marks.in_name(name))
    if os.path.isdir("/run/netns"):
        yield from (f"network namespace {name}" for name in os.listdir("/run/netns") if marks.in_name(name))
    if os.geteuid() == 0 and shutil.which("nft") is not None:
        done = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True, check=False)
        tables = [line.split()[-1] for line in done.stdout.splitlines()]
        yield from (f"nft table {name}" for name in tables if marks.in_name(name))
