"""A process that is nothing but a supervisor, for tests that kill it: RUN_DIR STATE_DIR CGROUP_PARENT [SPEC.json …].

Prints each event as a JSON line; `stop` on its standard input ends everything and leaves nothing behind.
"""

from __future__ import annotations

import asyncio
import json
import sys

import msgspec

from runtime.linux.hierarchies import detect
from runtime.supervision.events import WorkloadEvent
from runtime.supervision.spec import decode
from runtime.supervision.supervisor import Supervisor


def show(event: WorkloadEvent) -> None:
    """One event as a line."""
    sys.stdout.buffer.write(msgspec.json.encode(event) + b"\n")
    sys.stdout.flush()


async def main(run_dir: str, state_dir: str, parent: str, *files: str) -> None:
    """Supervise until standard input says `stop`."""
    supervisor = Supervisor(
        run_dir=run_dir,
        state_dir=state_dir,
        cgroup_parent=parent,
        hierarchies=detect(),
        hidden=[run_dir, state_dir],
        on_event=show,
    )
    specs = []
    for path in files:
        with open(path, encoding="utf-8") as file:
            specs.append(decode(json.load(file)))
    async with asyncio.TaskGroup() as group:
        running = group.create_task(supervisor.run())
        if specs:
            await supervisor.apply(specs, owner="api")
        await asyncio.to_thread(sys.stdin.readline)
        await supervisor.shutdown("stop")
        running.cancel()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
