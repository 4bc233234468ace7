"""Row 10: memory per running workload, against conmon.

Private memory of our monitor while its workload is idle, and ten seconds after a million lines; beside it
the container's init. Repeat with `python -m tests.bench.row_10_memory` as root.
"""

from __future__ import annotations

import asyncio
import os
import pathlib
import shutil
import tempfile

from tests.bench import monitors
from tests.bench.row_06_capture import WRITE, ends, make_lines
from tests.bench.table import LeftOut, Result

WHAT = "private memory of a monitor"
IDLE_TARGET = 0.8
BUSY_TARGET = 1.5


async def measure(root: pathlib.Path) -> tuple[float, float, float, int]:
    """MiB idle, MiB ten seconds after the lines, MiB of the init, KiB resident."""
    command = f"sleep 3; {WRITE.format(file='/lines')}; sleep 1000"
    make_lines(root / "lines")
    options = {"max_size": "10Mi", "max_files": 5}
    async with monitors.supervised(root, command, root / "lines", **options) as (pid, logs):
        await asyncio.sleep(1)
        idle = monitors.private_kib(pid) / 1024
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        init = sum(monitors.private_kib(int(child)) for child in children) / 1024
        while not ends(logs / "current.log"):
            await asyncio.sleep(0.05)
        await asyncio.sleep(10)
        return idle, monitors.private_kib(pid) / 1024, init, monitors.memory_kib(pid)["Rss"]


def main() -> None:
    """Print the row."""
    if os.geteuid() != 0 or not shutil.which("conmon") or not os.path.exists(monitors.BUSYBOX):
        print(LeftOut("10", WHAT, "needs root, conmon and busybox-static (apt-get install them)"))
        return
    root = pathlib.Path(tempfile.mkdtemp(prefix="deckwatch-bench-"))
    try:
        idle, busy, init, resident = asyncio.run(measure(root))
        with monitors.under_conmon(root, "/bin/busybox sleep 1000", root / "log") as pid:
            reference = monitors.private_kib(pid) / 1024
            conmon_resident = monitors.memory_kib(pid)["Rss"]
    finally:
        shutil.rmtree(root, ignore_errors=True)
    limit, name = "limit", f"(conmon: {reference:.2f} private, {conmon_resident} KiB resident)"
    note = f"init beside it {init:.2f} MiB, monitor {resident} KiB resident {name}"
    print(Result("10", f"{WHAT}, idle", idle, IDLE_TARGET, "MiB", 1.0, limit, note))
    print(Result("10", f"{WHAT}, 10 s after row 6's lines", busy, BUSY_TARGET, "MiB", 1.0, limit))


if __name__ == "__main__":
    main()
