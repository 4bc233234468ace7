"""What the front doors answer, from the parts behind them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from agent.conditions import Conditions
from agent.config.load import Config, load
from agent.doors import Doors
from collectors.model import Container, Entry, Network, State

ASK = {"prometheus.io/scrape": "true", "prometheus.io/port": "9100"}
WEB = Entry(
    container=Container(id="/docker/web", name="web", engine="docker", state=State.RUNNING, labels=ASK),
    addresses=("172.17.0.2",),
)


class Running:
    """Parts of an agent as far as its doors ask them."""

    def __init__(self) -> None:
        self.reasons: dict[str, str] = {}
        self.entries = {"/docker/web": WEB}
        self.config: Config = load(None)
        self.inventory = SimpleNamespace(
            entries=lambda: self.entries, reasons=lambda: self.reasons, complete=True
        )
        self.watch = SimpleNamespace(degraded="too few watches")
        self.parts: Any = SimpleNamespace(
            sources=SimpleNamespace(all=list),
            inventory=self.inventory,
            watch=self.watch,
            sampler=SimpleNamespace(support=dict, troubles=dict, processes=lambda id: []),
            hosting=SimpleNamespace(
                metrics=dict, supervisor=None, reason="switched off", report=lambda conditions: None
            ),
            series=SimpleNamespace(dropped=0, limit=10),
            kernel_log=SimpleNamespace(reason=""),
            stores={},
        )


@pytest.fixture
def running() -> Running:
    return Running()


@pytest.fixture
def doors(running: Running) -> Doors:
    anything: Any = SimpleNamespace()
    reloading: Any = running
    return Doors(
        reloading, Conditions(), running.parts,
        lifecycle=anything, events=anything, logs=None, recorder=anything, scraper=anything,
        answered=lambda route, code: None,
    )  # fmt: skip


def test_there_are_no_targets_before_the_first_complete_inventory(running: Running, doors: Doors) -> None:
    running.inventory.complete = False
    assert doors.targets() is None
    assert not doors.ready()
    running.inventory.complete = True
    groups = doors.targets()
    assert groups is not None and [one["targets"] for one in groups] == [["172.17.0.2:9100"]]


def test_targets_stay_when_their_engine_falls_silent(running: Running, doors: Doors) -> None:
    doors.look_for_targets()
    running.entries, running.reasons = {}, {"docker": "no answer"}
    groups = doors.targets()
    assert groups is not None and [one["targets"] for one in groups] == [["172.17.0.2:9100"]]
    running.reasons = {}
    assert doors.targets() == []


def test_a_new_configuration_changes_who_asks_and_where(running: Running, doors: Doors) -> None:
    hosted = msgspec.structs.replace(WEB, network=Network.HOST, addresses=())
    running.entries = {"/docker/web": hosted}
    doors.take_over(load(None, ["node=n2", "discovery.host_address=10.0.0.9"]))
    (group,) = doors.targets() or []
    assert group["targets"] == ["10.0.0.9:9100"]
    assert group["labels"]["__meta_deckwatch_node"] == "n2"
    doors.take_over(load(None, ["discovery.prefix=example.org"]))
    assert doors.targets() == []


def test_what_is_degraded_is_looked_at_when_it_is_asked_for(running: Running, doors: Doors) -> None:
    assert [one.code for one in doors.conditions()] == ["watch_degraded"]
    running.watch.degraded = ""
    assert doors.conditions() == []


def test_no_listener_is_no_readiness(doors: Doors) -> None:
    assert not doors.ready()


def test_why_there_are_no_workloads(doors: Doors) -> None:
    assert (doors.workloads, doors.runtime_reason) == (None, "switched off")
