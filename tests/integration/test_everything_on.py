"""With every collector switched on the exposition is still sound, and each collector works or says why not."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator

import pytest

from collectors.metrics import catalogue
from runtime.linux import hierarchies
from tests.integration.agents import Agent, parsed
from tests.integration.box import Box, boxed
from tests.integration.engines import Missing, wait_until
from tests.integration.prometheus import findings

pytestmark = [
    pytest.mark.root,
    pytest.mark.inside_cgroup2,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root to make cgroups"),
]

# What needs a device, a disk's traffic, a layer, an interface, or a controller that nobody switched on, is silent here.
MAY_BE_SILENT = {"gpu", "io", "disk_walk", "network", "hugetlb"}

BUSY = """
import socket
one = socket.create_server(("127.0.0.1", 0))
print("ready", flush=True)
while True:
    sum(range(100000))
"""


@pytest.fixture
def box() -> Iterator[Box]:
    with boxed(hierarchies.detect()) as made:
        yield made


@pytest.fixture
def agent(box: Box) -> Iterator[Agent]:
    settings = {
        "inventory": {"cgroup": {"include": [box.id]}},
        "metrics": {"collectors": dict.fromkeys(catalogue.SWITCHES, True), "disk": {"period": "1s"}},
        "logs": {"enabled": False},
        "runtime": {"enabled": False},
    }
    with contextlib.closing(Agent(settings)) as made:
        made.start()
        yield made


def test_each_collector_tells_something_or_why_it_cannot(box: Box, agent: Agent) -> None:
    box.start([sys.executable, "-c", BUSY])
    families = {
        name: {family.name for family in (*catalogue.ROW, *catalogue.HOST) if family.collector == name}
        for name in catalogue.SWITCHES
    }

    def silent() -> set[str]:
        scrape = agent.scrape()
        told = {name for name, _ in scrape}
        without = {name for name in catalogue.SWITCHES if families[name] and not families[name] & told}
        return {name for name in without if scrape.one("deckwatch_collector_supported", collector=name) != 0}

    wait_until(lambda: silent() <= MAY_BE_SILENT, "a word of every collector", 30)
    scrape = agent.scrape()
    for (name, labels), value in scrape.items():
        if name == "deckwatch_collector_supported":
            assert (value == 1) == (dict(labels)["reason"] == ""), labels
    assert scrape.sum("deckwatch_collector_errors_total") == 0, agent.log()[-3000:]


def test_promtool_finds_nothing_beyond_what_is_allowed(box: Box, agent: Agent) -> None:
    box.start([sys.executable, "-c", BUSY])
    wait_until(lambda: agent.scrape().of("container_fs_limit_bytes", id="/"), "the first round of disk", 20)
    _, body = agent.get("/metrics")
    try:
        assert findings(body) == set()
    except Missing as missing:
        pytest.skip(str(missing))
    _, openmetrics = agent.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    text = openmetrics.decode()
    assert text.endswith("# EOF\n")
    assert len(parsed("\n".join(line for line in text.splitlines() if not line.startswith("#")))) > 100
