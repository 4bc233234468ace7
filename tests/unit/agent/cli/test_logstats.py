"""deckwatch logs --stats."""

from __future__ import annotations

import json

import pytest

from agent.shipping.report import Shipped, SinkReport
from collectors.logs.counters import Counters
from collectors.logs.wire import Counted
from tests.unit.agent.cli.conftest import Call, Running
from tests.unit.agent.http.fakes import WEB


@pytest.fixture(autouse=True)
def accounts(agent: Running) -> None:
    logs = agent.api.logs
    counters = Counters(
        bytes={"stdout": 2048, "stderr": 0},
        lines={"stdout": 5, "stderr": 1},
        dropped={"cut": 1, "rotated_away": 2},
    )
    logs.counts[WEB.id] = Counted(WEB.id, counters, 90.0)
    logs.accounts[WEB.id] = [Shipped(WEB.id, "loki", 4, 40, {"rule": 1}, 61.0)]
    logs.sinks = [
        SinkReport("loki", 4, 40, {}, {}, 0.5, 3, 1000.0, "503 \x1b]0;x\x07", 7.5, 8),
        SinkReport("otlp", 0, 0, {}, {}, 0.0, 0, None, "", 0.0, 8),
    ]


def test_a_row_for_each_container_and_what_fails(ask: Call) -> None:
    header, *rows, failing = ask("logs", "--stats").out.splitlines()
    assert header.split() == [
        "NAME", "READ", "BYTES", "LAG", "SHIPPED", "loki", "SHIPPED", "otlp", "DROPPED"
    ]  # fmt: skip
    assert rows[0].split() == ["demo-1", *"------"]
    assert rows[2].split("  ")[0] == "web"
    assert " ".join(rows[2].split()) == "web 6 2Ki 1m 4, 1m behind - cut 1, rotated_away ≥2, loki: rule 1"
    assert failing == "loki fails since 1970-01-01T00:16:40.000000Z: 503 \\x1b]0;x\\x07"


def test_json_is_the_agents_own(ask: Call) -> None:
    stats = json.loads(ask("logs", "--stats", "-o", "json", "web").out)
    assert [one["container"]["name"] for one in stats["containers"]] == ["web"]
    assert stats["containers"][0]["lag"] == 90.0


@pytest.mark.parametrize(
    "more", [["-f"], ["--grep", "x"], ["-n", "0"], ["-o", "raw"], ["-t"], ["--previous"]]
)
def test_nothing_else_may_be_chosen(ask: Call, more: list[str]) -> None:
    result = ask("logs", "--stats", *more)
    assert result.code == 2
    assert "leave out what chooses messages" in result.err
