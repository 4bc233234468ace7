"""`python -m tests.soak [plain] [docker] [logs]`: each kind for `DECKWATCH_SOAK_SECONDS`, as a table.

Containers that come and go for 5 minutes of each kind, the log path for 30 and with a spool that is too small for 5.
Ends with status 1 when something leaked, failed, or was lost without being counted.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.integration import engines
from tests.integration.agents import Agent
from tests.soak.docker import DockerChurn
from tests.soak.harness import Churn, settings, soak
from tests.soak.logs.soak import FULL, LONG, LogSoak, Pace
from tests.soak.plain import PlainChurn

_ASKED = os.environ.get("DECKWATCH_SOAK_SECONDS", "")
SECONDS = float(_ASKED or "300")
POPULATION = 1000
PER_SECOND = 60.0
WORKERS = 4


def plain() -> list[str]:
    """A thousand plain cgroups, replaced by others all the time; what was wrong."""
    parent = f"/deckwatch-test-{os.getpid()}-churn"
    churn = PlainChurn(parent, population=POPULATION, per_second=PER_SECOND)
    inventory = {"docker": {"enabled": False}, "cgroup": {"include": [f"{parent}/*"]}}
    return _told("plain cgroups", settings(**inventory), churn)


def docker() -> list[str]:
    """Containers of a dockerd, as many as it gives; what was wrong."""
    starting = engines.dockerd()
    engine = next(starting)
    try:
        inventory = {"docker": {"enabled": True, "socket": engine.socket}}
        return _told("containers of dockerd", settings(**inventory), DockerChurn(engine, workers=WORKERS))
    finally:
        next(starting, None)


def _told(what: str, configuration: dict[str, Any], churn: Churn) -> list[str]:
    """Soak an agent of its own and print what was seen."""
    agent = Agent(configuration)
    try:
        agent.start()
        course = soak(agent, churn, SECONDS)
        faults = course.judge(agent.log())
    finally:
        agent.close()
    print(
        f"{what}, {SECONDS:.0f} s\n{course}\n" + "".join(f"FAULT {fault}\n" for fault in faults), flush=True
    )
    return faults


def logs() -> list[str]:
    """Logs that rotate, to a sink that fails, by an agent that is killed; what was wrong."""
    return _shipped("logs", LONG) + _shipped("logs, with a spool that is too small", FULL)


def _shipped(what: str, pace: Pace) -> list[str]:
    if _ASKED:
        pace = pace._replace(seconds=SECONDS)
    with tempfile.TemporaryDirectory(prefix="deckwatch-soak-") as directory:
        course = LogSoak(Path(directory), pace).run()
    faults = course.judge()
    print(
        f"{what}, {pace.seconds:.0f} s\n{course}\n" + "".join(f"FAULT {fault}\n" for fault in faults),
        flush=True,
    )
    return faults


VARIANTS: dict[str, Callable[[], list[str]]] = {"plain": plain, "docker": docker, "logs": logs}


def main() -> int:
    """Run the variants that were named, or all."""
    faults = []
    for name in sys.argv[1:] or VARIANTS:
        try:
            faults += VARIANTS[name]()
        except engines.Missing as missing:
            print(f"{name}: left out: {missing}", flush=True)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
