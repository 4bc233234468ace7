"""Scrapes an agent each second while containers come and go, and looks at its processes from outside."""

from __future__ import annotations

import concurrent.futures
import gzip
import itertools
import multiprocessing
import re
import time
from typing import Any, Protocol

from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from tests.integration.agents import Agent
from tests.soak.course import Course, Moment
from tests.soak.vitals import Footprint, footprint, vitals, worker_of

# The dead leave in time for the end of a soak to look as its beginning did; events reach their bound in the first
# minute, also with the few containers a second that an engine gives.
_SETTINGS: dict[str, Any] = {
    "runtime": {"enabled": False},
    "metrics": {"keep_final": "10s", "keep_dead": "12s"},
    "events": {"max_events": 400},
    "logging": {"format": "json"},
}

PARSE_EACH = 10
SETTLE = 60.0
TEXT = "text/plain; version=0.0.4"
OPENMETRICS = "application/openmetrics-text; version=1.0.0"

_CPU = re.compile(
    rb'^container_cpu_usage_seconds_total\{[^}]*name="(soak-[^"]*)"[^}]*\} (\S+)$', re.MULTILINE
)


def settings(**inventory: Any) -> dict[str, Any]:
    """An agent's configuration that sees the containers of a soak, `soak-…`, and nobody else's."""
    return _SETTINGS | {"inventory": {"include": ['{name=~"soak-.*"}'], **inventory}}


class Churn(Protocol):
    """What makes and removes containers from `start` to `stop`."""

    def start(self) -> None:
        """Begin."""

    def stop(self) -> dict[str, float | None]:
        """End and remove all; all that ever were, with the CPU seconds in their end where those are known."""


class Watcher:
    """Looks at one agent from outside; remembers what each container was last scraped with."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self.begun = time.monotonic()
        self.seen: dict[str, float] = {}
        self.faults: list[str] = []

    def look(self, form: str = TEXT) -> tuple[Moment, str]:
        """One scrape and the processes' vitals; the exposition comes with it."""
        assert self._agent.process is not None
        began = time.monotonic()
        status, body = self._agent.get("/metrics", {"Accept-Encoding": "gzip", "Accept": form})
        took = time.monotonic() - began
        if status != 200:
            self.faults.append(f"status {status} after {began - self.begun:.0f} s: {body[:200]!r}")
            body = gzip.compress(b"")
        text = gzip.decompress(body)
        self.seen |= {name.decode(): float(value) for name, value in _CPU.findall(text)}
        pid = self._agent.process.pid
        worker = worker_of(pid)
        moment = Moment(
            at=began - self.begun,
            took=took,
            series=text.count(b'name="soak-'),
            agent=vitals(pid),
            worker=vitals(worker) if worker is not None else None,
        )
        return moment, text.decode()

    def footprint(self) -> Footprint:
        """What the agent holds now."""
        assert self._agent.process is not None
        return footprint(self._agent.process.pid)

    def settled(self) -> tuple[Moment, Footprint]:
        """The moment when nothing of the containers is left, or the last one of the time that there is for that."""
        deadline = time.monotonic() + SETTLE
        while True:
            moment, _ = self.look()
            held = self.footprint()
            if (moment.series == 0 and not held.in_vain) or time.monotonic() > deadline:
                return moment, held
            time.sleep(0.5)


def soak(agent: Agent, churn: Churn, seconds: float) -> Course:
    """Scrape for so many seconds while containers come and go, then until nothing of them is left."""
    watcher = Watcher(agent)
    first, _ = watcher.look()
    before, held_before = agent.scrape(), watcher.footprint()
    moments: list[Moment] = []
    # Spawned, not forked: it must not hold what the churn's end is told by.
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, context) as parser:
        parses: list[concurrent.futures.Future[None]] = []
        churn.start()
        watcher.begun = time.monotonic()
        try:
            for number in itertools.count():
                time.sleep(max(0.0, watcher.begun + number - time.monotonic()))
                if time.monotonic() >= watcher.begun + seconds:
                    break
                form = OPENMETRICS if number // PARSE_EACH % 2 else TEXT
                moment, text = watcher.look(form)
                moments.append(moment)
                if number % PARSE_EACH == 0:
                    parses.append(parser.submit(parse, text, form))
        finally:
            made = churn.stop()
        last, held = watcher.settled()
        after = agent.scrape()
        failures = [error for each in parses if (error := each.exception(120)) is not None]
    return Course(
        first=first,
        before=before,
        last=last,
        after=after,
        footprints=(held_before, held),
        moments=moments,
        made=made,
        seen=watcher.seen,
        parsed=len(parses),
        faults=watcher.faults + [f"an answer that does not parse: {error!r}" for error in failures],
    )


def parse(text: str, form: str) -> None:
    """Read an exposition as a scraper does; raises ValueError for one that is none."""
    for _ in (parse_openmetrics if form == OPENMETRICS else parse_text)(text):
        pass
