"""The pods of this node by their uid, as engines and Kubernetes tell of them."""

from __future__ import annotations

import functools
from collections.abc import Callable

import msgspec


class Pod(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one pod. `owner` is what it belongs to, `ReplicaSet/web-5d4f`."""

    uid: str
    namespace: str
    name: str
    owner: str = ""
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class Pods:
    """Who knows which pod; `changed()` is called at each change.

    Of two who know one the later is believed, and what it leaves empty is filled from the earlier: an engine knows
    names, Kubernetes also labels and the owner, and either may be the first to answer.
    """

    def __init__(self) -> None:
        self._known: dict[str, dict[str, Pod]] = {}
        self._listeners: list[Callable[[], None]] = []

    def listen(self, changed: Callable[[], None]) -> None:
        """Call `changed` whenever a pod became known, changed or was forgotten."""
        self._listeners.append(changed)

    def tell(self, source: str, pods: dict[str, Pod]) -> None:
        """All pods that a source knows, by uid; it takes the place of what it told before."""
        if self._known.get(source) != pods:
            self._known[source] = dict(pods)
            for changed in self._listeners:
                changed()

    def of(self, uid: str) -> Pod | None:
        """The pod of a uid; None when nobody knows it."""
        told = [pods[uid] for pods in reversed(self._known.values()) if uid in pods]
        return functools.reduce(_filled, told) if told else None


def _filled(pod: Pod, other: Pod) -> Pod:
    return Pod(
        uid=pod.uid,
        namespace=pod.namespace or other.namespace,
        name=pod.name or other.name,
        owner=pod.owner or other.owner,
        labels=other.labels | pod.labels,
        annotations=other.annotations | pod.annotations,
    )
