"""One container told of twice: what the first leaves empty is filled from the second."""

from __future__ import annotations

from msgspec.structs import replace as altered

from collectors.inventory.base import Facts
from collectors.model import Container, Entry

_OF_CONTAINER = ("image", "namespace", "pod", "container", "owner")


def filled(entry: Entry, other: Entry) -> Entry:
    """The entry with what only the other knows: names in Kubernetes, image, labels, log."""
    changes: dict[str, object] = {}
    if entry.log is None and other.log is not None:
        changes["log"] = other.log
    if not entry.pod_uid and other.pod_uid:
        changes["pod_uid"] = other.pod_uid
    if other.annotations.keys() - entry.annotations.keys():
        changes["annotations"] = other.annotations | entry.annotations
    container = _filled(entry.container, other.container)
    if container is not entry.container:
        changes["container"] = container
    return altered(entry, **changes) if changes else entry


def with_facts(entry: Entry, facts: Facts) -> Entry:
    """The entry with what somebody knows of it who does not run it."""
    container = _filled(entry.container, facts)
    if facts.name and not container.name:
        container = altered(container, name=facts.name)
    if facts.restarts > container.restarts:
        container = altered(container, restarts=facts.restarts)
    changes: dict[str, object] = {}
    if container is not entry.container:
        changes["container"] = container
    if facts.pod_uid and not entry.pod_uid:
        changes["pod_uid"] = facts.pod_uid
    if facts.annotations.keys() - entry.annotations.keys():
        changes["annotations"] = facts.annotations | entry.annotations
    return altered(entry, **changes) if changes else entry


def _filled(container: Container, other: Container | Facts) -> Container:
    changes: dict[str, object] = {
        name: value
        for name in _OF_CONTAINER
        if not getattr(container, name) and (value := getattr(other, name))
    }
    if other.labels.keys() - container.labels.keys():
        changes["labels"] = other.labels | container.labels
    return altered(container, **changes) if changes else container
