"""What was seen in the course of a soak, and what is wrong with it."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from tests.integration.agents import Scrape
from tests.soak.vitals import Footprint, Vitals

# What the end may have more than the beginning: threads of pools, and connections that are kept.
MORE_DESCRIPTORS = 10
MORE_THREADS = 8
# Growth after the first minute, in MB of PSS, that does not yet tell of a leak; a shorter time tells of none.
WARM_UP = 60.0
MORE_MEMORY = 5.0
# A final reading is short when it lacks more CPU than the kernel counts behind the end of a process.
SHORT_SECONDS = 0.001

_NEVER = (
    "deckwatch_collector_errors_total",
    "deckwatch_process_restarts_total",
    "deckwatch_events_unstored_total",
    "deckwatch_series_dropped_total",
    "deckwatch_final_samples_dropped_total",
)
_MISSED = "deckwatch_final_sample_missed_total"


@dataclass(frozen=True, slots=True)
class Moment:
    """What was seen at one scrape: seconds since the start, seconds it took, the soak's series, processes."""

    at: float
    took: float
    series: int
    agent: Vitals
    worker: Vitals | None


@dataclass(slots=True)
class Course:
    """All moments of one soak. `made` is each container with the CPU seconds that the kernel counted in the end
    (None where nobody could ask), `seen` with those it was last scraped with; `footprints` are those at the beginning
    and in the end.
    """

    first: Moment
    before: Scrape
    last: Moment
    after: Scrape
    footprints: tuple[Footprint, Footprint]
    moments: list[Moment] = field(default_factory=list)
    made: dict[str, float | None] = field(default_factory=dict)
    seen: dict[str, float] = field(default_factory=dict)
    parsed: int = 0
    faults: list[str] = field(default_factory=list)

    def unseen(self) -> set[str]:
        """Containers of which no scrape ever told."""
        return self.made.keys() - self.seen.keys()

    def short(self) -> set[str]:
        """Containers whose last scraped CPU lacks some of what the kernel had counted in the end."""
        return {
            name
            for name, seconds in self.made.items()
            if seconds is not None and seconds - self.seen.get(name, seconds) > SHORT_SECONDS
        }

    def missed(self) -> float:
        """Final readings that the agent says it missed."""
        return self._rise(_MISSED)

    def grown(self, value: Callable[[Moment], float]) -> float:
        """By how much a value rose after the first minute, told by the straight line through all moments."""
        return _risen([(one.at, value(one)) for one in self.moments if one.at >= WARM_UP])

    def judge(self, log: str) -> list[str]:
        """All that is wrong, in words; empty when nothing is. `log` is the agent's own."""
        return [
            *self.faults,
            *(f"the agent's log says: {line}" for line in complaints(log)),
            *(f"{name} is {rise:g}" for name in _NEVER if (rise := self._rise(name))),
            *self._untold(),
            *self._unread(),
            *self._left(),
            *self._left_by_worker(),
            *self._growing(),
        ]

    def _untold(self) -> Iterator[str]:
        for kind in ("start", "exit"):
            told = self._rise("deckwatch_events_total", type=kind)
            if told != len(self.made):
                yield f"{told:g} events of type {kind} for {len(self.made)} containers"

    def _unread(self) -> Iterator[str]:
        unseen, short = len(self.unseen()), len(self.short())
        if unseen + short > self.missed():
            yield (
                f"{unseen} containers were never scraped and {short} have a short final reading, "
                f"but {self.missed():g} are counted as missed"
            )

    def _left(self) -> Iterator[str]:
        if self.last.series:
            yield f"{self.last.series} series of containers that are gone"
        before, after = self.footprints
        if after.in_vain:
            yield f"agent: {after.in_vain} descriptors and inotify watches of what is gone"
        if after.elsewhere > before.elsewhere + MORE_DESCRIPTORS:
            yield f"agent: {before.elsewhere} descriptors before, {after.elsewhere} after"
        if self.last.agent.threads > self.first.agent.threads + MORE_THREADS:
            yield f"agent: {self.first.agent.threads} threads before, {self.last.agent.threads} after"

    def _left_by_worker(self) -> Iterator[str]:
        before, after = self.first.worker, self.last.worker
        if before is None or after is None:
            return
        if after.watches:
            yield f"log worker: {after.watches} inotify watches on logs of containers that are gone"
        if after.descriptors > before.descriptors + MORE_DESCRIPTORS:
            yield f"log worker: {before.descriptors} descriptors before, {after.descriptors} after"

    def _growing(self) -> Iterator[str]:
        for who, grown in (("agent", self.grown(agent_memory)), ("log worker", self.grown(worker_memory))):
            if grown > MORE_MEMORY:
                yield f"{who}: memory grew by {grown:.1f} MB after the first {WARM_UP:.0f} s"

    def _rise(self, name: str, /, **labels: str) -> float:
        return self.after.sum(name, **labels) - self.before.sum(name, **labels)

    def __str__(self) -> str:
        fifths = [self.moments[len(self.moments) * part // 5 - 1] for part in range(1, 6)]
        lines = [
            _HEAD,
            _row("before", self.first),
            *(_row(f"{one.at:.0f} s", one) for one in fifths),
            _row("after", self.last),
        ]
        walls = [one.took * 1e3 for one in self.moments]
        watches = [one.agent.watches for one in self.moments]
        return "\n".join(lines) + (
            f"\n{len(self.made)} containers; {len(walls)} scrapes, {self.parsed} parsed whole, "
            f"median {statistics.median(walls):.0f} ms, longest {max(walls):.0f} ms"
            f"\nfinal readings: {self.missed():g} counted as missed, {len(self.unseen())} containers never "
            f"scraped, {len(self.short())} with less than the kernel's last count"
            # Whoever else makes cgroups meanwhile costs memory too: each is read until nobody has claimed it.
            f"\nwatched directories, other people's among them: {min(watches)} to {max(watches)}"
            f"\nmemory after the first {WARM_UP:.0f} s: agent {self.grown(agent_memory):+.1f} MB, "
            f"log worker {self.grown(worker_memory):+.1f} MB"
        )


def agent_memory(moment: Moment) -> float:
    """PSS of the agent's own process in MB."""
    return moment.agent.pss


def worker_memory(moment: Moment) -> float:
    """PSS of its log worker in MB; 0 while there is none."""
    return moment.worker.pss if moment.worker else 0.0


def complaints(log: str) -> list[str]:
    """Lines of a JSON log that are errors, or no JSON though they tell of a failure."""
    found = []
    for line in log.splitlines():
        try:
            level = json.loads(line)["level"]
        except (ValueError, KeyError, TypeError):
            level = "error" if "Traceback" in line or "Error" in line else ""
        if level in ("error", "critical"):
            found.append(line)
    return found


def _risen(points: Sequence[tuple[float, float]]) -> float:
    """The rise of the least-squares line over the time of its points."""
    if len(points) < 2:
        return 0.0
    slope, _ = statistics.linear_regression([at for at, _ in points], [value for _, value in points])
    return slope * (points[-1][0] - points[0][0])


_HEAD = (
    f"{'':>8} {'series':>8} {'scrape':>8} | {'fds':>6} {'watches':>8} {'threads':>8} {'RSS MB':>8} {'PSS MB':>8}"
    f" | {'worker fds':>10} {'watches':>8} {'PSS MB':>8}"
)


def _row(name: str, one: Moment) -> str:
    line = (
        f"{name:>8} {one.series:>8} {one.took * 1e3:>5.0f} ms | {one.agent.descriptors:>6} {one.agent.watches:>8} "
        f"{one.agent.threads:>8} {one.agent.rss:>8.1f} {one.agent.pss:>8.1f}"
    )
    if one.worker is not None:
        line += f" | {one.worker.descriptors:>10} {one.worker.watches:>8} {one.worker.pss:>8.1f}"
    return line
