"""One list of containers out of all sources: one container is one entry, whoever tells of it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType

import structlog
from msgspec.structs import replace as altered

from collectors.inventory.base import Backoff, Facts, Source, key_of
from collectors.inventory.fill import filled, with_facts
from collectors.model import Entry

log = structlog.get_logger()

SOURCE_FAILED = "inventory_source_failed"
LOCATED_LIMIT = 16_384

_ENGINE_ID = re.compile(r"[0-9a-f]{64}")

OnChange = Callable[[Entry | None, Entry | None], None]
Predicate = Callable[[Entry], bool]


def merged_key(entry: Entry) -> str:
    """Key of an entry in the merged list: its id, or `engine:engine_id` while no cgroup of it is known."""
    container = entry.container
    return container.id or f"{container.engine}:{container.engine_id}"


class Inventory:
    """All containers of the host, kept by the sources it runs.

    Earlier sources take precedence: an id that two of them claim is shown as the first tells it, and what
    that one leaves empty as the next does, then as facts say that are told of its engine's id.
    `on_change(old, new)` is called for each change of the merged list, in order: old None is a container
    that came, new None one that went; a container whose id became known is one change, not two.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        on_change: OnChange,
        *,
        include: Predicate | None = None,
        exclude: Predicate | None = None,
    ) -> None:
        self._sources = {source.name: source for source in sources}
        self._rank = {name: rank for rank, name in enumerate(self._sources)}
        self._on_change = on_change
        self._include = include
        self._exclude = exclude
        self._tables: dict[str, dict[str, Entry]] = {name: {} for name in self._sources}
        self._claims: dict[str, dict[str, Entry]] = {}
        self._shown: dict[str, Entry] = {}
        self._facts: dict[str, Mapping[str, Facts]] = {}
        self._answered: set[str] = set()
        self._reasons: dict[str, str] = {}
        self._located: dict[str, str] = {}

    def entries(self) -> Mapping[str, Entry]:
        """The merged list by `merged_key`; a live, read-only view."""
        return MappingProxyType(self._shown)

    @property
    def complete(self) -> bool:
        """Whether each source has given its list or said why it cannot."""
        return self._answered.issuperset(self._sources)

    def reasons(self) -> dict[str, str]:
        """Why sources cannot answer now, by source; empty when all can."""
        return dict(self._reasons)

    def by_engine_id(self, engine_id: str) -> Entry | None:
        """The shown entry of an engine's own id."""
        found = (table[engine_id] for table in self._tables.values() if engine_id in table)
        entry = next(found, None)
        return self._shown.get(merged_key(entry)) if entry else None

    def by_name(self, name: str) -> list[Entry]:
        """All shown entries of a name; more than one when two engines use it."""
        return [entry for entry in self._shown.values() if entry.container.name == name]

    async def run(self) -> None:
        """Run all sources until cancelled; one that fails is started again and disturbs no other."""
        async with asyncio.TaskGroup() as tasks:
            for source in self._sources.values():
                tasks.create_task(self._keep_running(source), name=f"inventory-{source.name}")

    async def _keep_running(self, source: Source) -> None:
        backoff = Backoff()
        while True:
            try:
                await source.run(self)
            except Exception as error:
                reason = f"{type(error).__name__}: {error}"
                log.error(SOURCE_FAILED, source=source.name, reason=reason, exc_info=error)
                self.unavailable(source.name, reason)
            await asyncio.sleep(backoff.seconds())

    def saw(self, path: str) -> None:
        """A cgroup was created: its path gives the id of the container it was made for, if its name tells.

        Engines name a container's cgroup after it (`ID`, `docker-ID.scope`). What an engine tells from now
        on of a container that is too short to be asked for its pid gets this id; what it told before, that
        the container was created, stays as it was: its cgroup is nobody's until it runs.
        """
        match = _ENGINE_ID.search(path, path.rindex("/"))
        if match is None:
            return
        engine_id = match.group()
        self._located.pop(engine_id, None)
        self._located[engine_id] = path
        if len(self._located) > LOCATED_LIMIT:
            del self._located[next(iter(self._located))]

    def replace(self, source: str, entries: Iterable[Entry]) -> None:
        """See `Board.replace`."""
        fresh = {key_of(entry): entry for entry in entries}
        for key in self._tables[source].keys() - fresh.keys():
            self.drop(source, key)
        for entry in fresh.values():
            self.put(source, entry)
        self._answered.add(source)
        self._reasons.pop(source, None)

    def put(self, source: str, entry: Entry) -> None:
        """See `Board.put`."""
        if not entry.container.id and (path := self._located.get(entry.container.engine_id)):
            entry = altered(entry, container=altered(entry.container, id=path))
        table = self._tables[source]
        old = table.get(key_of(entry))
        if old == entry:
            return
        table[key_of(entry)] = entry
        if old is not None:
            self._withdraw(source, old)
        self._claims.setdefault(merged_key(entry), {})[source] = entry
        self._settle(merged_key(old) if old else None, merged_key(entry))

    def drop(self, source: str, engine_id: str) -> None:
        """See `Board.drop`."""
        entry = self._tables[source].pop(engine_id, None)
        if entry is not None:
            self._withdraw(source, entry)
            self._settle(merged_key(entry), None)

    def tell(self, source: str, facts: Mapping[str, Facts]) -> None:
        """See `Board.tell`."""
        before = self._facts.get(source, {})
        self._facts[source] = dict(facts)
        for engine_id in before.keys() | facts.keys():
            if before.get(engine_id) == facts.get(engine_id):
                continue
            for table in self._tables.values():
                if (entry := table.get(engine_id)) is not None:
                    self._settle(None, merged_key(entry))

    def unavailable(self, source: str, reason: str) -> None:
        """See `Board.unavailable`."""
        self._answered.add(source)
        self._reasons[source] = reason

    def _withdraw(self, source: str, entry: Entry) -> None:
        claims = self._claims[merged_key(entry)]
        # Two containers of one source may have had the same cgroup one after the other.
        if claims.get(source) is entry:
            del claims[source]
        if not claims:
            del self._claims[merged_key(entry)]

    def _winner(self, key: str) -> Entry | None:
        claims = self._claims.get(key)
        if not claims:
            return None
        first, *others = (claims[source] for source in sorted(claims, key=self._rank.__getitem__))
        entry = first
        for other in others:
            entry = filled(entry, other)
        for facts in self._facts.values():
            if (known := facts.get(first.container.engine_id)) is not None:
                entry = with_facts(entry, known)
        if self._include is not None and not self._include(entry):
            return None
        return None if self._exclude is not None and self._exclude(entry) else entry

    def _settle(self, left: str | None, taken: str | None) -> None:
        """Bring the shown list up to date after a claim moved from one key to another."""
        keys = [key for key in dict.fromkeys((left, taken)) if key is not None]
        before = [self._shown.get(key) for key in keys]
        after = [self._winner(key) for key in keys]
        for key, entry in zip(keys, after, strict=True):
            if entry is None:
                self._shown.pop(key, None)
            else:
                self._shown[key] = entry
        if len(keys) == 2 and after[0] is None and before[1] is None:
            before, after = before[:1], after[1:]
        for old, new in zip(before, after, strict=True):
            if old != new:
                self._on_change(old, new)
