"""An OOM kill is one event with the process that died, at once, and one counter that survives everything."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.agents import Agent
from tests.integration.box import Box
from tests.integration.engines import wait_until
from tests.integration.test_kernel_values import box

__all__ = ["box"]

pytestmark = [
    pytest.mark.root,
    pytest.mark.inside_cgroup2,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root to make cgroups"),
    pytest.mark.skipif(not os.access("/dev/kmsg", os.R_OK), reason="the kernel's log cannot be read here"),
]

# A parent that goes on, and a child that eats more than the limit when it is told to.
EATER = """
import os, sys
print("ready", flush=True)
for line in sys.stdin:
    pid = os.fork()
    if not pid:
        sys.stdin.close()
        memory = bytearray(200 << 20)
        os._exit(0)
    os.waitpid(pid, 0)
"""


@pytest.fixture
def agent(box: Box) -> Iterator[Agent]:
    with contextlib.closing(
        Agent(
            {
                "inventory": {"cgroup": {"include": [box.id]}},
                "logs": {"enabled": False},
                "runtime": {"enabled": False},
            }
        )
    ) as made:
        made.start()
        yield made


def kills(agent: Agent) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = agent.json("/api/v1/events")
    return [event for event in events if event["type"] == "oom_kill"]


def test_a_kill_names_its_process_and_its_count_survives_the_agent(box: Box, agent: Agent) -> None:
    with contextlib.suppress(OSError):
        memory = box.trees.of("memory")
        assert memory is not None
        swap = (
            ("memory.swap.max", "0") if memory.version == 2 else ("memory.memsw.limit_in_bytes", "67108864")
        )
        box.write("memory", *swap)
    eater = box.start([sys.executable, "-c", EATER])
    name = box.id[1:]
    wait_until(
        lambda: agent.scrape().one("container_oom_kills_total", name=name) == 0, "the counter at 0", 20
    )

    box.feed(eater, "eat\n")
    # Told by the log, long before anybody scrapes.
    wait_until(lambda: len(kills(agent)) == 1, "an event of the kill", 10)
    (event,) = kills(agent)
    process = event["process"]
    assert process["name"].startswith("python") and process["pid"] != eater.pid
    assert process["constraint"] == "memcg" and process["anon_bytes"] > 1 << 20
    assert process["cgroup"] == box.id and event["container"]["id"] == box.id and event["observed"] == "live"
    assert agent.scrape().one("container_oom_kills_total", name=name) == 1
    assert agent.scrape().one("container_oom_events_total", id=box.id) == 1

    agent.kill()
    box.feed(eater, "eat\n")
    wait_until(lambda: box.oom_kills() == 2, "the second kill", 20)
    agent.start()
    wait_until(lambda: agent.scrape().one("container_oom_kills_total", name=name) == 2, "both kills", 20)
    late = kills(agent)[-1]
    assert late["observed"] == "late" and late["process"]["name"].startswith("python")
    assert late["process"]["pid"] not in (process["pid"], eater.pid)

    eater.send_signal(signal.SIGKILL)
    eater.wait(10)
    assert agent.scrape().one("container_oom_kills_total", name=name) == 2
