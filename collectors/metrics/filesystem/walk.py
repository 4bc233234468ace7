"""The collector `disk_walk`: sums up writable layers whose use nobody counts, slowly, one after the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from collectors.metrics import catalogue
from collectors.metrics.crew import Crew, Stuck
from collectors.metrics.filesystem.disk import mounts_of
from collectors.metrics.filesystem.hostmounts import HostMounts
from collectors.metrics.filesystem.layouts import Layouts
from collectors.metrics.filesystem.options import DiskOptions
from collectors.metrics.filesystem.places import Place, Places
from collectors.metrics.filesystem.tree import TooLarge, Tree
from collectors.metrics.filesystem.usage import Meter
from collectors.metrics.plan import Host
from collectors.metrics.rows import Value
from collectors.metrics.survey import Subject, Survey
from collectors.metrics.surveyor import Surveyor
from collectors.metrics.target import ROOT
from runtime.linux.errors import NotSupported
from runtime.linux.ioprio import be_idle

FAMILIES = (catalogue.FS_USAGE, catalogue.FS_WALKED)

# Whether a walk is due is looked at each so many seconds.
_LOOK = 5.0
# Entries between two rests, and how much longer a layer that could not be walked is left in peace.
_STEP = 64
_PEACE = 6
# Who is idle may wait long for a disk that is busy.
_PATIENCE = 30.0
# When a container is looked at again that had nothing to walk.
_NOTHING_YET = 60.0


def survey(host: Host) -> Survey:
    """Walks of writable layers; NotSupported without the collector `disk`, whose family it fills."""
    if not host.switched_on("disk"):
        raise NotSupported("the collector disk is off, whose figures it completes")
    crew = Crew("disk-walk", patience=_PATIENCE, prepare=be_idle)
    mounts = mounts_of(host)
    places = Places(mounts, crew, host.proc, most_volumes=0)
    look = Walk(mounts, Layouts(places), places, Meter(places, crew), crew, host.disk)
    return Surveyor("disk_walk", look, crew, min(_LOOK, host.disk.walk_period), mounts.close)


class _Walked(NamedTuple):
    """What became of the last walk of a container's run: `values` is None without a sum, `why` tells of one given up."""

    subject: Subject
    due: float
    values: tuple[Value, ...] | None = None
    why: str = ""


class Walk:
    """Values of FAMILIES, as `collectors.metrics.surveyor` asks for them."""

    families = FAMILIES

    def __init__(
        self,
        mounts: HostMounts,
        layouts: Layouts,
        places: Places,
        meter: Meter,
        crew: Crew,
        options: DiskOptions,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._mounts = mounts
        self._layouts = layouts
        self._places = places
        self._meter = meter
        self._crew = crew
        self._options = options
        self._clock = clock
        self._walked: dict[str, _Walked] = {}

    def begin(self, subjects: Sequence[Subject]) -> None:
        """Forget containers that are gone."""
        self._mounts.refresh()
        there = {subject.id for subject in subjects}
        self._walked = {id: walked for id, walked in self._walked.items() if id in there}
        for _ in self._layouts.begin(subjects):
            pass
        self._meter.begin(())

    def look(self, subject: Subject) -> Sequence[Value] | None:
        """What the last whole walk of a container found, after another one when it is due."""
        if subject.id == ROOT:
            return None
        walked = self._walked.get(subject.id)
        if walked is None or walked.subject != subject or time.monotonic() >= walked.due:
            walked = self._walked[subject.id] = self._walk(subject)
        return walked.values

    def trouble(self) -> str:
        """Layers whose walk was given up, and why."""
        given_up = [walked for walked in list(self._walked.values()) if walked.why]
        if not given_up:
            return ""
        more = f" and {len(given_up) - 1} more" if len(given_up) > 1 else ""
        return f"{given_up[0].why}: the layer of {given_up[0].subject.id}{more}"

    def _layer(self, subject: Subject) -> Place | None:
        """The writable layer, unless its use is known without a walk, or FUSE may keep a walk for ever."""
        layout = self._layouts.of(subject)
        if layout is None or layout.layer is None or layout.crossed:
            return None
        if layout.layer.own or layout.layer.served:
            return None
        if self._options.usage_told(subject.id) is not None or self._meter.account(layout.layer) is not None:
            return None
        return layout.layer

    def _walk(self, subject: Subject) -> _Walked:
        """What becomes of a walk now; raises Stuck when its file system does not answer."""
        place = self._layer(subject)
        if place is None:
            return _Walked(subject, time.monotonic() + _NOTHING_YET)
        values, why, wait = None, "", self._options.walk_period
        try:
            values = (((place.suffix, self._sum(place)),), self._clock())
        except (TooLarge, OSError) as error:
            why, wait = str(error), wait * _PEACE
        return _Walked(subject, time.monotonic() + wait, values, why)

    def _sum(self, place: Place) -> int:
        tree = Tree(lambda: self._places.open(place))
        deadline = time.monotonic() + self._options.walk_limit
        try:
            while self._rested_after_step(tree, place):
                if time.monotonic() > deadline:
                    raise TooLarge(f"a walk takes more than {self._options.walk_limit:g} s")
        except Stuck:
            # The thread that is in it closes it.
            raise
        except BaseException:
            tree.close()
            raise
        return tree.bytes

    def _rested_after_step(self, tree: Tree, place: Place) -> bool:
        began = time.perf_counter()
        left = self._crew.ask(
            place.device, f"walk of {place.path}", lambda: tree.step(_STEP), late=tree.close
        )
        self._crew.rest(self._pause(time.perf_counter() - began))
        return left

    def _pause(self, spent: float) -> float:
        """How long to rest after a step, to stay below both rates."""
        by_rate = _STEP / self._options.walk_rate - spent
        by_share = spent * (1 / self._options.walk_share - 1)
        return max(0.0, by_rate, by_share)
