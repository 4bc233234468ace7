"""Readings as a Prometheus exposition: family by family, in chunks, the whole body never in memory.

Chunks stay below malloc's mmap threshold and inside a core's cache, and take well under a millisecond each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from itertools import chain, zip_longest
from typing import Required, TypedDict, Unpack

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest as registry_text
from prometheus_client.openmetrics.exposition import generate_latest as registry_openmetrics

from agent.exposition.columns import Columns, Deferred, Lines, Memory, Part, Samples, sample_lines
from agent.exposition.compress import gzipped, text_of
from agent.exposition.escaping import label_name, labels_text
from collectors.metrics import catalogue
from collectors.metrics.catalogue import Family, Kind
from collectors.metrics.rows import Row

__all__ = [
    "AGENT",
    "Deferred",
    "Lines",
    "Memory",
    "Part",
    "Section",
    "encoded",
    "gzipped",
    "label_name",
    "labels_text",
    "parts",
    "render",
]

AGENT = "agent"
"""Name under which `collect[]` asks for the agent's own families."""

Section = tuple[Family, Samples]
"""Samples of one family from elsewhere than the rows: (labels without braces, value), or lines."""

_CHUNK = 64 * 1024


class Options(TypedDict, total=False):
    """What else `parts` may be given."""

    openmetrics: Required[bool]
    collect: frozenset[str] | None
    registry: CollectorRegistry | None
    drop: Sequence[str]
    families: Sequence[Family]
    memory: Memory | None


def parts(
    rows: Sequence[Row],
    sections: Sequence[Section],
    *,
    openmetrics: bool,
    collect: frozenset[str] | None = None,
    registry: CollectorRegistry | None = None,
    drop: Sequence[str] = (),
    families: Sequence[Family] = catalogue.ROW,
    memory: Memory | None = None,
) -> Iterator[str | bytes | Part]:
    """One exposition in order: the rows' families, the sections', the agent's own registry.

    Text format 0.0.4, or OpenMetrics 1.0. `collect` names the collectors wanted (None: all; `AGENT` is the
    registry), `drop` globs of family names not wanted. A family without a sample is left out with its header. Of a row that is
    final only the families that outlive their container are written, and nothing when a living row has its
    labels. `memory` is of the scrape before, for parts that repeat.
    """
    wanted = _filter(collect, tuple(pattern for pattern in drop if "{" not in pattern))
    yield from _row_families(rows, families, openmetrics, wanted, memory)
    yield from _section_families(sections, openmetrics, wanted, memory)
    if registry is not None and (collect is None or AGENT in collect):
        yield registry_openmetrics(registry) if openmetrics else registry_text(registry)  # type: ignore[no-untyped-call]
    elif openmetrics:
        yield b"# EOF\n"


def render(rows: Sequence[Row], sections: Sequence[Section], **options: Unpack[Options]) -> Iterator[bytes]:
    """One exposition as it is, of what `parts` is given, in chunks of about 64 KB."""
    return encoded(parts(rows, sections, **options))


def _filter(collect: frozenset[str] | None, drop: tuple[str, ...]) -> Callable[[Family], bool]:
    def wanted(family: Family) -> bool:
        if collect is not None and family.collector not in collect:
            return False
        return not any(fnmatchcase(family.name, pattern) for pattern in drop)

    return wanted


def encoded(parts: Iterable[str | bytes | Part]) -> Iterator[bytes]:
    """The parts as UTF-8, small ones put together."""
    waiting: list[bytes] = []
    size = 0
    for part in parts:
        waiting.append(text_of(part))
        size += len(waiting[-1])
        if size >= _CHUNK:
            yield b"".join(waiting)
            waiting.clear()
            size = 0
    if waiting:
        yield b"".join(waiting)


def _row_families(
    rows: Sequence[Row],
    families: Sequence[Family],
    openmetrics: bool,
    wanted: Callable[[Family], bool],
    memory: Memory | None,
) -> Iterator[str | Part]:
    living = Columns([row for row in rows if not row.final], memory)
    known = {row.labels for row in rows if not row.final}
    ended = Columns([row for row in rows if row.final and row.labels not in known])
    for family, values, last_values in zip_longest(families, living.values, ended.values):
        if family is None or not wanted(family):
            continue
        parts: Iterable[Part] = living.parts(family, values)
        if last_values and family.dead == "final":
            parts = chain(parts, ended.parts(family, last_values))
        yield from _with_header(family, parts, openmetrics)


def _section_families(
    sections: Sequence[Section],
    openmetrics: bool,
    wanted: Callable[[Family], bool],
    memory: Memory | None,
) -> Iterator[str | Part]:
    grouped: dict[str, tuple[Family, list[Samples]]] = {}
    for family, samples in sections:
        if wanted(family):
            grouped.setdefault(family.name, (family, []))[1].append(samples)
    for family, several in grouped.values():
        yield from _with_header(
            family, sample_lines(family.name, several, memory, openmetrics=openmetrics), openmetrics
        )


def _with_header(family: Family, parts: Iterable[str | Part], openmetrics: bool) -> Iterator[str | Part]:
    """The parts behind the family's header; nothing when there are none."""
    headed = False
    for part in parts:
        if headed:
            yield part
        elif isinstance(part, Part):
            part.head = header(family, openmetrics)
            yield part
        else:
            yield header(family, openmetrics) + part
        headed = True


def header(family: Family, openmetrics: bool) -> str:
    """HELP and TYPE of a family, in OpenMetrics also UNIT, each in its format's order and spelling."""
    help = family.help.replace("\\", r"\\").replace("\n", r"\n")
    if not openmetrics:
        kind = {Kind.UNKNOWN: "counter", Kind.INFO: "gauge"}.get(family.kind, str(family.kind))
        return f"# HELP {family.name} {help}\n# TYPE {family.name} {kind}\n"
    suffix = {Kind.COUNTER: "_total", Kind.INFO: "_info"}.get(family.kind, "")
    name = family.name.removesuffix(suffix)
    unit = f"# UNIT {name} {family.unit}\n" if family.unit and name.endswith(f"_{family.unit}") else ""
    escaped = help.replace('"', r"\"")
    return f"# TYPE {name} {family.kind}\n{unit}# HELP {name} {escaped}\n"
