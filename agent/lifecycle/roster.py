"""All containers by name and by cgroup, and the dead that are still kept."""

from __future__ import annotations

from collections.abc import Iterable

from agent.lifecycle.counters import Key
from agent.lifecycle.life import Life, name_of
from collectors.model import Container, Entry


class Roster:
    """Who is listed by an engine, and who was until a while ago."""

    def __init__(self) -> None:
        self._lives: dict[str, Life] = {}
        self._names: dict[str, str] = {}
        self._dead: dict[str, tuple[float, Container, Key]] = {}

    def get(self, entry: Entry) -> Life | None:
        """The container that an entry is about."""
        return self._lives.get(name_of(entry))

    def by_id(self, id: str) -> Life | None:
        """The container of a cgroup, or of an engine's own id when it ended before it was seen."""
        name = self._names.get(id)
        return self._lives.get(name) if name else None

    def lives(self) -> Iterable[Life]:
        """Every container that an engine lists."""
        return self._lives.values()

    def dead(self) -> list[Container]:
        """Those that are listed no more and still kept."""
        return [container for _, container, _ in self._dead.values()]

    def ids(self) -> set[str]:
        """Cgroups of all who are listed or kept."""
        living = {life.entry.container.id for life in self._lives.values()}
        return living | {container.id for _, container, _ in self._dead.values()}

    def put(self, life: Life, before: Entry | None = None) -> None:
        """Take a container in, or note that its cgroup became known or changed."""
        name = name_of(life.entry)
        self._lives[name] = life
        if before is not None and _place(before) != _place(life.entry):
            self._names.pop(_place(before), None)
        self._names[_place(life.entry)] = name

    def remove(self, entry: Entry) -> Life | None:
        """Forget a container; None when it was not known."""
        self._names.pop(_place(entry), None)
        return self._lives.pop(name_of(entry), None)

    def bury(self, entry: Entry, container: Container, key: Key, now: float) -> None:
        """Keep what is known of a container that its engine lists no more."""
        self._dead[name_of(entry)] = (now, container, key)

    def let_go(self, horizon: float) -> set[Key]:
        """Drop the dead from before a time; keys that nobody, living or dead, has any more."""
        gone = [(name, key) for name, (since, _, key) in self._dead.items() if since <= horizon]
        for name, _ in gone:
            del self._dead[name]
        return {key for _, key in gone} - self.keys_in_use()

    def bearers(self, key: Key) -> list[Life]:
        """Who is listed under a key: more than one when a pod's container was made again."""
        return [life for life in self._lives.values() if life.key == key]

    def keys_in_use(self) -> set[Key]:
        """The keys of all who are listed or kept."""
        return {life.key for life in self._lives.values()} | {key for _, _, key in self._dead.values()}


def _place(entry: Entry) -> str:
    return entry.container.id or entry.container.engine_id
