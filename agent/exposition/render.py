"""Readings as a Prometheus exposition: family by family, in chunks, the whole body never in memory.

Chunks stay below malloc's mmap threshold and inside a core's cache, and take well under a millisecond each.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from itertools import chain, zip_longest
from types import ModuleType
from typing import Protocol

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest as registry_text
from prometheus_client.openmetrics.exposition import generate_latest as registry_openmetrics

from agent.exposition.columns import Columns, Lines, Samples, sample_lines
from agent.exposition.escaping import label_name, labels_text
from collectors.metrics import catalogue
from collectors.metrics.catalogue import Family, Kind
from collectors.metrics.rows import Row

deflate: ModuleType
try:
    from isal import isal_zlib as deflate
except ImportError:  # no build for this processor
    deflate = zlib

__all__ = ["AGENT", "Lines", "Section", "gzipped", "label_name", "labels_text", "render"]

AGENT = "agent"
"""Name under which `collect[]` asks for the agent's own families."""

Section = tuple[Family, Samples]
"""Samples of one family from elsewhere than the rows: (labels without braces, value), or lines."""

_CHUNK = 64 * 1024
# Deflate's window as a power of two. Families repeat the labels of all containers, which lie further apart
# than the largest window as soon as there are a hundred; 8 KiB is faster than 32 KiB and packs better then.
_WINDOW = 13
_GZIP = 16
_TURN = 8 * _CHUNK


class _Compressor(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...
    def flush(self) -> bytes: ...


def render(
    rows: Sequence[Row],
    sections: Sequence[Section],
    *,
    openmetrics: bool,
    collect: frozenset[str] | None = None,
    registry: CollectorRegistry | None = None,
    drop: Sequence[str] = (),
    families: Sequence[Family] = catalogue.ROW,
) -> Iterator[bytes]:
    """One exposition in chunks of about 64 KB: the rows' families, the sections', the agent's own registry.

    Text format 0.0.4, or OpenMetrics 1.0. `collect` names the collectors wanted (None: all; `AGENT` is the
    registry), `drop` globs of family names not wanted. A family without a sample is left out with its header. Of a row that is
    final only the families that outlive their container are written, and nothing when a living row has its
    labels.
    """
    wanted = _filter(collect, tuple(pattern for pattern in drop if "{" not in pattern))
    yield from _encoded(
        chain(
            _row_families(rows, families, openmetrics, wanted),
            _section_families(sections, openmetrics, wanted),
        )
    )
    if registry is not None and (collect is None or AGENT in collect):
        yield registry_openmetrics(registry) if openmetrics else registry_text(registry)  # type: ignore[no-untyped-call]
    elif openmetrics:
        yield b"# EOF\n"


def _filter(collect: frozenset[str] | None, drop: tuple[str, ...]) -> Callable[[Family], bool]:
    def wanted(family: Family) -> bool:
        if collect is not None and family.collector not in collect:
            return False
        return not any(fnmatchcase(family.name, pattern) for pattern in drop)

    return wanted


def _encoded(texts: Iterable[str]) -> Iterator[bytes]:
    """The texts as UTF-8, small ones put together."""
    waiting: list[str] = []
    size = 0
    for text in texts:
        waiting.append(text)
        size += len(text)
        if size >= _CHUNK:
            yield "".join(waiting).encode()
            waiting.clear()
            size = 0
    if waiting:
        yield "".join(waiting).encode()


def _row_families(
    rows: Sequence[Row], families: Sequence[Family], openmetrics: bool, wanted: Callable[[Family], bool]
) -> Iterator[str]:
    living = Columns([row for row in rows if not row.final])
    known = {row.labels for row in rows if not row.final}
    ended = Columns([row for row in rows if row.final and row.labels not in known])
    for family, values, last_values in zip_longest(families, living.values, ended.values):
        if family is None or not wanted(family):
            continue
        parts: Iterable[str] = living.lines(family, values)
        if last_values and family.dead == "final":
            parts = chain(parts, ended.lines(family, last_values))
        yield from _with_header(family, parts, openmetrics)


def _section_families(
    sections: Sequence[Section], openmetrics: bool, wanted: Callable[[Family], bool]
) -> Iterator[str]:
    grouped: dict[str, tuple[Family, list[Samples]]] = {}
    for family, samples in sections:
        if wanted(family):
            grouped.setdefault(family.name, (family, []))[1].append(samples)
    for family, several in grouped.values():
        yield from _with_header(family, sample_lines(family.name, several), openmetrics)


def _with_header(family: Family, parts: Iterable[str], openmetrics: bool) -> Iterator[str]:
    """The parts behind the family's header; nothing when they are all empty."""
    headed = False
    for part in parts:
        if part:
            yield part if headed else header(family, openmetrics) + part
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


def gzipped(chunks: Iterable[bytes], level: int = 1) -> Iterator[bytes]:
    """The chunks as one gzip stream, piece by piece; a piece may be empty, to give others their turn."""
    compressor: _Compressor = deflate.compressobj(level, zlib.DEFLATED, _GZIP + _WINDOW, 9)
    taken = 0
    for chunk in chunks:
        piece = compressor.compress(chunk)
        taken += len(chunk)
        if piece or taken >= _TURN:
            taken = 0
            yield piece
    yield compressor.flush()
