"""Row 6, the whole way: 1,000,000 lines captured, tailed and counted by an agent with its defaults, against dockerd.

Counted is the CPU of agent, log worker, zygote and monitor, from the writer's start until the last line stands in
`container_log_lines_total`; of Docker it is dockerd, containerd and shim, until the line is in the json-file. Files
are as large as Docker's here and plain as Docker's are, but so many that each line is read before it rotates away. Repeat it with `python -m tests.bench.row_06_agent`, as root.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import statistics
import time
import uuid

import psutil

from tests.bench import monitors
from tests.bench.agent import Agent, agent
from tests.bench.row_06_capture import LINES, RUNS, WRITE, dockerd_seconds, ends, in_directory, make_lines
from tests.bench.table import LeftOut, Result

WHAT = f"{LINES:,} lines captured, tailed and counted"
CONFIGURATION = """
inventory: {{docker: {{enabled: false}}}}
runtime: {{on_exit: stop, cgroup_parent: /deckwatch-bench-{unique}}}
workloads_dir: {directory}/none
workloads:
  - name: feed
    rootfs: {directory}/rootfs
    command: [/bin/sh, -c, "until [ -e /go ]; do sleep 0.1; done; {write}; sleep 1000"]
    logs: {{max_size: 10Mi, max_files: 20, compress: false}}
"""


def spent(one: Agent) -> dict[str, float]:
    """CPU seconds so far: of the agent, of its log worker, of zygote and monitors."""
    found = {"agent": 0.0, "log worker": 0.0, "monitor": 0.0}
    for process in one.tree():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid == one.process.pid:
                name = "agent"
            elif "agent.logs.worker" in process.cmdline():
                name = "log worker"
            else:
                name = "monitor"
            found[name] += monitors.cpu_seconds(process.pid)
    return found


def counted(one: Agent) -> int:
    """Lines of the workload that the agent has counted."""
    _, body = one.get("/metrics?collect[]=logs")
    lines = [line for line in body.decode().splitlines() if line.startswith("container_log_lines_total{")]
    return sum(int(line.rpartition(" ")[2]) for line in lines if 'stream="stdout"' in line)


def ours(root: pathlib.Path) -> dict[str, float]:
    """CPU seconds of our processes, by what they do."""
    root.chmod(0o755)
    for name in ("none", "agent"):
        (root / name).mkdir()
    rootfs = pathlib.Path(monitors.make_rootfs(root / "rootfs"))
    make_lines(rootfs / "lines")
    configuration = CONFIGURATION.format(
        unique=uuid.uuid4().hex[:8], directory=root, write=WRITE.format(file="/lines")
    )
    with agent(root / "agent", configuration) as one:
        log = root / "agent/state/workloads/feed-1/log/current.log"
        monitors.wait_until(log.exists)
        time.sleep(2)
        before = spent(one)
        (rootfs / "go").touch()
        monitors.wait_until(lambda: ends(log))
        monitors.wait_until(lambda: counted(one) > LINES)
        after = spent(one)
    return {name: after[name] - before[name] for name in after}


def main() -> None:
    """Print the row."""
    if os.geteuid() != 0 or shutil.which("dockerd") is None or not os.path.exists(monitors.BUSYBOX):
        print(LeftOut("6", WHAT, "needs root, dockerd and busybox-static (apt-get install them)"))
        return
    mine: list[dict[str, float]] = []
    theirs: list[float] = []
    for _ in range(RUNS):
        made: list[dict[str, float]] = []

        def whole(root: pathlib.Path, made: list[dict[str, float]] = made) -> float:
            made.append(ours(root))
            return sum(made[-1].values())

        in_directory(whole)
        mine += made
        theirs.append(dockerd_seconds())
    parts = {name: statistics.median(run[name] for run in mine) for name in mine[0]}
    total = statistics.median(sum(run.values()) for run in mine)
    note = ", ".join(f"{name} {seconds:.2f}" for name, seconds in parts.items())
    print(Result("6", WHAT, total, statistics.median(theirs), "CPU-s", 1.0, "dockerd json-file", note))


if __name__ == "__main__":
    main()
