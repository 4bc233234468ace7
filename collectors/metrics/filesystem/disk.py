"""The collector `disk`: figures of the host's file systems, and of each container's writable layer and volumes."""

from __future__ import annotations

import os
from collections.abc import Sequence

from collectors.metrics import catalogue
from collectors.metrics.crew import Crew, Stuck
from collectors.metrics.filesystem import labels
from collectors.metrics.filesystem.hostmounts import HostMounts
from collectors.metrics.filesystem.layouts import Layouts
from collectors.metrics.filesystem.mounts import device_of
from collectors.metrics.filesystem.options import UsageTold
from collectors.metrics.filesystem.places import Layout, Place, Places
from collectors.metrics.filesystem.usage import Figures, Meter
from collectors.metrics.plan import Host
from collectors.metrics.rows import Number, Value
from collectors.metrics.survey import Subject, Survey
from collectors.metrics.surveyor import Surveyor
from collectors.metrics.target import ROOT
from runtime.linux.errors import NotSupported

FAMILIES = (
    catalogue.FS_LIMIT,
    catalogue.FS_USAGE,
    catalogue.FS_INODES,
    catalogue.FS_INODES_FREE,
    catalogue.VOLUME_LIMIT,
    catalogue.VOLUME_USAGE,
    catalogue.VOLUME_INODES,
    catalogue.VOLUME_INODES_FREE,
)
_NOTHING: tuple[Value, ...] = (None, None, None, None)


def survey(host: Host) -> Survey:
    """Rounds over file systems; NotSupported where /proc does not list mounts."""
    crew = Crew("disk")
    rounds = look(host, crew)
    return Surveyor("disk", rounds, crew, host.disk.period, rounds.close)


def look(host: Host, crew: Crew) -> Disk:
    """What a round looks at; NotSupported where /proc does not list mounts."""
    mounts = mounts_of(host)
    places = Places(mounts, crew, host.proc, host.disk.volumes)
    return Disk(mounts, Layouts(places), Meter(places, crew), host.disk.usage_told)


def mounts_of(host: Host) -> HostMounts:
    """The host's mounts; NotSupported where they are not listed."""
    if not os.path.exists(f"{host.proc}/self/mountinfo"):
        raise NotSupported(f"{host.proc}/self/mountinfo is missing, which lists what is mounted")
    return HostMounts(host.proc)


class Disk:
    """Values of FAMILIES, as `collectors.metrics.surveyor` asks for them."""

    families = FAMILIES

    def __init__(self, mounts: HostMounts, layouts: Layouts, meter: Meter, told: UsageTold) -> None:
        self._mounts = mounts
        self._layouts = layouts
        self._meter = meter
        self._usage_told = told
        # By file system and label: most containers have nothing but the limits of the one that they share.
        self._shared: dict[tuple[str, str], tuple[Value, ...]] = {}

    def begin(self, subjects: Sequence[Subject]) -> None:
        """Forget what was true in the last round."""
        self._mounts.refresh()
        self._shared.clear()
        self._meter.begin(self._layouts.begin(subjects))

    def look(self, subject: Subject) -> Sequence[Value] | None:
        """Values of one container, or of the host."""
        if subject.id == ROOT:
            return (*self._of_host(), *_NOTHING)
        layout = self._layouts.of(subject)
        if layout is None:
            return None
        return (*self._of_layer(subject.id, layout), *self._of_volumes(layout))

    def close(self) -> None:
        """Let go of the list of mounts."""
        self._mounts.close()

    def trouble(self) -> str:
        """Containers whose files may not be looked at."""
        return self._layouts.trouble()

    def _of_host(self) -> tuple[Value, ...]:
        places = [
            Place(
                mount.device,
                labels.suffix(device_of(mount)),
                path,
                path,
                mount.mount_id,
                own=True,
                served=self._mounts.is_served(mount),
            )
            for mount in self._mounts.real()
            for path in (self._mounts.prefix + mount.target,)
        ]
        return _series([(place.suffix, self._figures(place)) for place in places])

    def _of_layer(self, id: str, layout: Layout) -> tuple[Value, ...]:
        place = layout.layer
        if place is None:
            return _NOTHING
        alone = place.own or place.project or place.subvolume
        told = None if alone else self._usage_told(id)
        if not alone and told is None and (known := self._shared.get(place[:2])) is not None:
            return known
        figures = self._figures(place)
        if told is not None:
            figures = figures._replace(used=told)
        values = _series([(place.suffix, figures)])
        if not alone and told is None and figures.limit is not None:
            self._shared[place[:2]] = values
        return values

    def _of_volumes(self, layout: Layout) -> tuple[Value, ...]:
        if not layout.volumes:
            return _NOTHING
        return _series([(place.suffix, self._figures(place)) for place in layout.volumes])

    def _figures(self, place: Place) -> Figures:
        """What is known of a place; nothing while its file system does not answer, or when it is gone."""
        try:
            return self._meter.figures(place)
        except (Stuck, OSError):
            return Figures()


def _series(found: Sequence[tuple[str, Figures]]) -> tuple[Value, ...]:
    """The four values of these places: limit, use, inodes, inodes that are free."""
    values: list[Value] = []
    for at in range(4):
        series: list[tuple[str, Number]] = [
            (suffix, number) for suffix, figures in found if (number := figures[at]) is not None
        ]
        values.append(tuple(series) or None)
    return tuple(values)
