"""Labels of a container's series: few on every series, the rest on `container_info` alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from agent.exposition.render import label_name, labels_text
from agent.exposition.turns import Turns
from collectors.model import DESCRIPTION, Container, Entry, Role

_UNITS = (Role.SERVICE, Role.SLICE)


def base_labels(entry: Entry, series_labels: Sequence[str] = ()) -> str:
    """cAdvisor's base labels: id, name, image, in Kubernetes also namespace, pod and container.

    `series_labels` are the container labels that the configuration wants on every series, as
    `container_label_x_y`; a container without one carries none.
    """
    container = entry.container
    pairs = [("id", container.id), ("name", container.name), ("image", container.image)]
    if container.pod:
        pairs += [
            ("namespace", container.namespace),
            ("pod", container.pod),
            ("container", container.container),
        ]
    return labels_text(pairs + _selected(container, series_labels))


def info_labels(entry: Entry, allowed: Sequence[str]) -> str:
    """Labels of `container_info`: the base labels, engine, role and owner, and the allow-listed container labels.

    `owner_kind` and `owner_name` are spelled as in `kube_pod_owner`; a unit of systemd has its `description`.
    """
    container = entry.container
    owner_kind, _, owner_name = container.owner.partition("/")
    pairs = [
        ("id", container.id),
        ("name", container.name),
        ("image", container.image),
        ("engine", container.engine),
        ("engine_id", container.engine_id),
        ("namespace", container.namespace),
        ("pod", container.pod),
        ("container", container.container),
        ("workload", container.workload),
        ("role", container.role.value),
        ("owner_kind", owner_kind),
        ("owner_name", owner_name),
        ("description", container.labels.get(DESCRIPTION, "") if container.role in _UNITS else ""),
    ]
    return labels_text(
        [pair for pair in pairs if pair[1] or pair[0] in ("id", "name", "image")]
        + _selected(container, allowed)
    )


class Infos:
    """Samples of `container_info`, each rendered once for what an inventory reports."""

    def __init__(self) -> None:
        self._allowed: tuple[str, ...] = ()
        # By the entry's identity; the entry is kept with it, so that no other can take its place.
        self._rendered: dict[int, tuple[Entry, tuple[str, int]]] = {}

    async def prepare(self, entries: Iterable[Entry], allowed: Sequence[str]) -> None:
        """Render what is new, in slices; what was rendered for entries that are not among them is forgotten."""
        before = self._rendered if tuple(allowed) == self._allowed else {}
        rendered: dict[int, tuple[Entry, tuple[str, int]]] = {}
        turns = Turns()
        for entry in list(entries):
            rendered[id(entry)] = before.get(id(entry)) or _info(entry, allowed)
            await turns.others()
        self._allowed, self._rendered = tuple(allowed), rendered

    def samples(self, entries: Iterable[Entry], allowed: Sequence[str]) -> list[tuple[str, int]]:
        """One sample for each entry."""
        known = self._rendered if tuple(allowed) == self._allowed else {}
        return [(known.get(id(entry)) or _info(entry, allowed))[1] for entry in entries]


def _info(entry: Entry, allowed: Sequence[str]) -> tuple[Entry, tuple[str, int]]:
    return entry, (info_labels(entry, allowed), 1)


def _selected(container: Container, names: Sequence[str]) -> list[tuple[str, str]]:
    return [
        (f"container_label_{label_name(name)}", container.labels[name])
        for name in names
        if name in container.labels
    ]
