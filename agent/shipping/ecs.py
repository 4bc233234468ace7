"""Records as documents with the fields of the Elastic Common Schema.

Source: https://www.elastic.co/docs/reference/ecs. A message's own fields stay in the message: made into fields of the
index, they would grow its mapping without end (an ingest pipeline can take them apart).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson

from collectors.logs.batch import Record
from collectors.logs.loki_labels import cut, service_name
from collectors.logs.record import LogTarget
from collectors.logs.times import SECOND, render

_MAX_LABELS = 64
_MAX_VALUE = 8192  # of a keyword that Lucene indexes at most 32,766 bytes


class Documents:
    """Makes the lines of one container; what many records have in common is rendered once."""

    def __init__(self, target: LogTarget, node: str, external: Mapping[str, str], index: str) -> None:
        self._constant = container_fields(target, node, external)
        self._dated = "%" in index
        self._index = index
        self._tails: dict[tuple[str, str | None, int | None], bytes] = {}

    def lines(self, record: Record) -> bytes:
        """The action and the document, each with its newline."""
        key = (record.stream, record.level, record.run)
        tail = self._tails.get(key)
        if tail is None:
            tail = self._tails[key] = self._tail(record)
        index = dated(self._index, record.time // (3600 * SECOND)) if self._dated else self._index
        head = (
            f'{{"create":{{"_index":"{index}","_id":"{record.uid}"}}}}\n'
            f'{{"@timestamp":"{render(record.time)}","event":{{"id":"{record.uid}"}},"message":'
        )
        return b"".join((head.encode(), orjson.dumps(record.message), _ids(record), tail))

    def _tail(self, record: Record) -> bytes:
        some: dict[str, Any] = {**self._constant, "stream": record.stream}
        if record.level:
            some["log"] = {"level": record.level}
        if record.run is not None:
            some["deckwatch"] = {**some.get("deckwatch", {}), "run": record.run}
        return b"," + orjson.dumps(some)[1:] + b"\n"


def container_fields(target: LogTarget, node: str, external: Mapping[str, str]) -> dict[str, Any]:
    """What all of a container's records say about it; what is not known is left out."""
    about = target.container
    labels = list((about.get("labels") or {}).items())[:_MAX_LABELS]
    found = {
        "host": {"name": node},
        "service": {"name": service_name(about)},
        "container": {
            "id": about.get("engine_id"),
            "name": about.get("name"),
            "image": {"name": about.get("image")},
            "runtime": about.get("engine"),
            "labels": {_name(name): value for name, value in labels},
        },
        "deckwatch": {"id": about.get("id"), "workload": about.get("workload")},
        "labels": {_name(name): value for name, value in external.items()},
    }
    if about.get("pod"):
        found["kubernetes"] = {
            "namespace": about.get("namespace"),
            "node": {"name": node},
            "pod": {"name": about.get("pod")},
            "container": {"name": about.get("container")},
        }
    known: dict[str, Any] = _known(found)
    return known


def _known(value: Any) -> Any:
    """Without members that are empty; texts are cut."""
    if isinstance(value, dict):
        members = {cut(name, _MAX_VALUE): _known(member) for name, member in value.items()}
        return {name: member for name, member in members.items() if member}
    return cut(value, _MAX_VALUE) if value else None


def _name(label: str) -> str:
    """A label's name without dots: `app` and `app.kubernetes.io/name` could not both be fields."""
    return label.replace(".", "_")


def _ids(record: Record) -> bytes:
    found: dict[str, Any] = {}
    if record.trace_id:
        found["trace"] = {"id": record.trace_id}
    if record.span_id:
        found["span"] = {"id": record.span_id}
    return b"," + orjson.dumps(found)[1:-1] if found else b""


@lru_cache(maxsize=64)
def dated(pattern: str, hour: int) -> str:
    """The name of the index of an hour since the epoch."""
    return datetime.fromtimestamp(hour * 3600, UTC).strftime(pattern)
