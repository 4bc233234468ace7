"""Row 6: capture of 1,000,000 lines of 115 bytes to a rotated log, against conmon and dockerd's json-file.

Counted is the CPU of whoever reads the pipe and writes the log: our monitor, conmon, dockerd (with its
containerd and shim). The writer is busybox's dd everywhere. Repeat with
`python -m tests.bench.row_06_capture` as root.
"""

from __future__ import annotations

import asyncio
import os
import pathlib
import shutil
import statistics
import tempfile
from collections.abc import Callable

from tests.bench import monitors
from tests.bench.table import LeftOut, Result

LINES = 1_000_000
LINE = "x" * 114
RUNS = 5
WHAT = "capture of 1,000,000 lines of 115 bytes"
# Writes of 4 KiB, as a C program's; the end mark is what the bench waits for, and the writer then stays so
# that its reader can be measured.
WRITE = "dd if={file} bs=4096 2>/dev/null; echo end-mark"


def make_lines(path: pathlib.Path) -> None:
    """The file that the writer copies to its output."""
    with path.open("w", encoding="ascii") as file:
        for _ in range(LINES // 1000):
            file.write(f"{LINE}\n" * 1000)


def ends(log: pathlib.Path) -> bool:
    """Whether the last line has come."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - 200))
            return b"end-mark" in file.read()
    except FileNotFoundError:
        # Not there yet, or in the moment of a rotation.
        return False


async def ours(root: pathlib.Path, notes: list[str]) -> float:
    """CPU seconds of our monitor."""
    command = f"sleep 0.3; {WRITE.format(file='/lines')}; sleep 1000"
    make_lines(root / "lines")
    options = {"max_size": "10Mi", "max_files": 5, "compress": True}
    async with monitors.supervised(root, command, root / "lines", **options) as (pid, logs):
        before = monitors.cpu_seconds(pid)
        while not ends(logs / "current.log"):
            await asyncio.sleep(0.02)
        used = monitors.cpu_seconds(pid) - before
        await asyncio.sleep(2)
        notes.append(
            f"compressing afterwards {monitors.children_cpu_seconds(pid):.2f} CPU-s; "
            f"private {monitors.private_kib(pid)} KiB two seconds later"
        )
        return used


def conmon(root: pathlib.Path) -> float:
    """CPU seconds of conmon."""
    log = root / "log"
    make_lines(root / "lines")
    write = WRITE.format(file=root / "lines")
    command = f"/bin/busybox sh -c 'sleep 0.3; {write}; exec sleep 1000'"
    with monitors.under_conmon(root, command, log) as pid:
        before = monitors.cpu_seconds(pid)
        monitors.wait_until(lambda: ends(log))
        return monitors.cpu_seconds(pid) - before


def in_directory(measure: Callable[[pathlib.Path], float]) -> float:
    """One measurement in a directory of its own, removed afterwards."""
    root = pathlib.Path(tempfile.mkdtemp(prefix="deckwatch-bench-"))
    try:
        return measure(root)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def dockerd_seconds() -> float:
    """CPU seconds of dockerd, containerd and shims for one container with json-file, 10 MB × 5."""
    from tests.integration.engines import Dockerd

    engine = Dockerd()
    engine.start()
    try:
        options = ("--log-driver", "json-file", "--log-opt", "max-size=10m", "--log-opt", "max-file=5")
        pids = processes_of(engine.directory)
        before = sum(map(monitors.cpu_seconds, pids))
        make_lines(pathlib.Path(engine.directory) / "lines")
        options = (*options, "-v", f"{engine.directory}/lines:/lines:ro")
        write = WRITE.format(file="/lines")
        name = engine.run(*options, "--", "/bin/busybox", "sh", "-c", f"sleep 1; {write}; sleep 1000")
        log = pathlib.Path(engine.docker("inspect", "--format", "{{.LogPath}}", name))
        monitors.wait_until(lambda: ends(log))
        return sum(map(monitors.cpu_seconds, processes_of(engine.directory))) - before
    finally:
        engine.stop()


def processes_of(directory: str) -> list[int]:
    """Engine processes that name the directory on their command line."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if directory.encode() in command and any(name in command for name in (b"dockerd", b"containerd")):
                found.append(int(entry.name))
    return found


def main() -> None:
    """Print the row."""
    if os.geteuid() != 0 or not shutil.which("conmon") or not os.path.exists(monitors.BUSYBOX):
        print(LeftOut("6", WHAT, "needs root, conmon and busybox-static (apt-get install them)"))
        return
    notes: list[str] = []
    mine, theirs = [], []
    for _ in range(RUNS):
        mine.append(in_directory(lambda root: asyncio.run(ours(root, notes))))
        theirs.append(in_directory(conmon))
    monitor = statistics.median(mine)
    reference = statistics.median(theirs)
    print(Result("6", WHAT, monitor, reference, "CPU-s", 0.8, "conmon", notes[-1]), flush=True)
    try:
        docker = dockerd_seconds()
    except Exception as error:
        print(LeftOut("6", f"{WHAT}, dockerd", str(error)))
        return
    print(Result("6", WHAT, monitor, docker, "CPU-s", 0.2, "dockerd json-file"))


if __name__ == "__main__":
    main()
