"""How much a directory of a container uses and may use, from whatever keeps count of it; nothing is added up here.

In order: a project quota, a quota group of btrfs, the file system itself when nothing else is in it. Without any
of them the limit and the inodes are those of the file system, and the use is not known.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from typing import NamedTuple

from collectors.metrics.crew import Crew
from collectors.metrics.filesystem.places import Place, Places
from runtime.linux import beneath, btrfs, quota, statfs
from runtime.linux.statfs import Space


class Figures(NamedTuple):
    """Bytes and inodes of one place; None for what is not known. A file system that counts no inodes has none."""

    limit: int | None = None
    used: int | None = None
    files: int | None = None
    files_free: int | None = None


class Account(NamedTuple):
    """What is counted of one directory; a limit of 0 is none, `files` None where inodes are not counted."""

    used: int
    limit: int
    files: int | None = None
    files_limit: int = 0


class Meter:
    """Figures of places, as of the round that began last: each file system is asked once."""

    def __init__(self, places: Places, crew: Crew) -> None:
        self._places = places
        self._crew = crew
        self._spaces: dict[str, Space] = {}
        self._accounts: dict[Place, Account | None] = {}
        self._groups: dict[str, set[Place]] = {}

    def begin(self, places: Iterable[Place]) -> None:
        """A round begins; what is counted of these places is asked for together, once one of them is wanted."""
        self._spaces.clear()
        self._accounts.clear()
        self._groups.clear()
        for place in places:
            if place.project or place.subvolume:
                self._groups.setdefault(place.device, set()).add(place)

    def figures(self, place: Place) -> Figures:
        """What is known of a place; raises Stuck when its file system does not answer, OSError when it is gone."""
        space = self._space(place)
        files, files_free = (space.files, space.files_free) if space.files else (None, None)
        account = self.account(place)
        if account is None:
            return Figures(space.total or None, space.used if place.own else None, files, files_free)
        if account.files_limit and account.files is not None:
            files, files_free = account.files_limit, max(0, account.files_limit - account.files)
        return Figures(account.limit or space.total or None, account.used, files, files_free)

    def account(self, place: Place) -> Account | None:
        """What a quota counts of a place; None without one. Raises Stuck."""
        if not (place.project or place.subvolume):
            return None
        if place not in self._accounts:
            group = self._groups.get(place.device, set())
            wanted = group if place in group else {place}
            doing = f"reading of quotas below {place.path}"
            self._accounts.update(self._crew.ask(place.device, doing, lambda: self._told(wanted)))
        return self._accounts[place]

    def _space(self, place: Place) -> Space:
        """Figures of the whole file system."""
        if place.device not in self._spaces:
            at = place.whole or f"{place.path} in process {place.pid}"
            found = self._crew.ask(place.device, f"statfs of {at}", lambda: self._statfs(place))
            self._spaces[place.device] = found
        return self._spaces[place.device]

    def _statfs(self, place: Place) -> Space:
        if place.served:
            return self._places.space_of_served(place)
        if place.whole and (whole := _whole(place)) is not None:
            return whole
        descriptor = self._places.open(place)
        try:
            return statfs.space(descriptor)
        finally:
            os.close(descriptor)

    def _told(self, group: set[Place]) -> dict[Place, Account | None]:
        """Called by the crew."""
        found: dict[Place, Account | None] = {}
        for place in group:
            found[place] = None
            with contextlib.suppress(OSError):
                descriptor = self._places.open(place)
                try:
                    found[place] = _account(descriptor, place)
                finally:
                    os.close(descriptor)
        return found


def _whole(place: Place) -> Space | None:
    """Figures at the topmost directory of the place's mount; None when something else is mounted over it."""
    descriptor = os.open(place.whole, os.O_PATH | os.O_CLOEXEC)
    try:
        return statfs.space(descriptor) if beneath.mount_of(descriptor) == place.mount else None
    finally:
        os.close(descriptor)


def _account(descriptor: int, place: Place) -> Account | None:
    if place.subvolume:
        group = btrfs.qgroup(descriptor, place.subvolume)
        return _of_group(group) if group is not None else None
    try:
        used = quota.used_by(descriptor, place.project)
    except OSError:
        return _by_statfs(descriptor, place) if place.inherits else None
    return Account(used.used, used.limit, used.files, used.files_limit)


def _of_group(group: btrfs.Qgroup) -> Account:
    """With a limit on what is referred to, that is what counts; else what the container alone keeps."""
    if group.referenced_limit:
        return Account(group.referenced, group.referenced_limit)
    return Account(group.exclusive, group.exclusive_limit)


def _by_statfs(descriptor: int, place: Place) -> Account | None:
    """Without the right to read quotas: statfs tells those of a project that has a limit, in a directory that hands it on."""
    own, whole = statfs.space(descriptor), _whole(place) if place.whole else None
    if whole is None or own.total == whole.total:
        return None
    return Account(
        own.used, own.total, own.files - own.files_free, own.files if own.files < whole.files else 0
    )
