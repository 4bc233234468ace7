"""Targets for Prometheus' http_sd: containers and workloads that ask to be scraped, and where they answer."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from agent.config.settings import Config
from agent.exposition.escaping import label_name, valid
from agent.kubernetes import runs_in_pod
from collectors.model import Entry, Network, State

_META = "__meta_deckwatch_"
_IDENTITY = ("id", "engine_id", "name", "image", "engine", "namespace", "pod", "container", "workload")
_YES = ("true", "1", "yes")
_SCHEMES = ("http", "https")


class Metrics(NamedTuple):
    """The `metrics:` of a workload."""

    port: int
    path: str = "/metrics"


def why_off(config: Config, environment: Mapping[str, str] | None = None) -> str:
    """Why nobody is told of targets; empty when they are.

    In a pod of Kubernetes what is to be scraped is named by PodMonitors, and would be scraped twice. The
    environment is the one that the kubelet gives to each container.
    """
    kubernetes = config.inventory.kubernetes
    if kubernetes.enabled is False or not runs_in_pod(kubernetes, environment):
        return ""
    return (
        "service discovery is off in Kubernetes, where PodMonitors name what is to be scraped; "
        "inventory.kubernetes.enabled: false switches it on, and off what is told of pods"
    )


def targets(
    entries: Iterable[Entry],
    *,
    node: str,
    prefix: str = "prometheus.io",
    host_address: str = "127.0.0.1",
    workloads: Mapping[str, Metrics] | None = None,
) -> list[dict[str, Any]]:
    """All groups, `{"targets": ["10.0.0.2:8080"], "labels": {…}}`, sorted by target and id.

    A container asks with the label or annotation `PREFIX/scrape: "true"`; `PREFIX/port`, `/path` and
    `/scheme` say where (an annotation goes before a label, a port before the exposed ones, of which each is a
    target). `workloads` are those with `metrics:`, by name. In the host's network a target's address is
    `host_address`. Whoever does not run, or has no address or no port, is left out.
    """
    groups = [
        group
        for entry in entries
        for group in _groups(
            entry, node, prefix, host_address, (workloads or {}).get(entry.container.workload)
        )
    ]
    return sorted(groups, key=lambda group: (group["targets"], group["labels"][_META + "id"]))


def _groups(
    entry: Entry, node: str, prefix: str, host_address: str, metrics: Metrics | None
) -> list[dict[str, Any]]:
    if not _answers(entry):
        return []
    wishes = _wishes(entry, prefix)
    if wishes.get("scrape", "").lower() not in _YES and metrics is None:
        return []
    if wishes.get("scrape", "").lower() not in (*_YES, ""):
        return []
    address = _address(entry, host_address)
    if not address:
        return []
    labels = _labels(entry, node)
    labels["__scheme__"] = wishes["scheme"] if wishes.get("scheme") in _SCHEMES else "http"
    labels["__metrics_path__"] = _path(wishes.get("path") or (metrics.path if metrics else ""))
    return [
        {"targets": [_host_port(address, port)], "labels": labels}
        for port in _ports(wishes.get("port", ""), metrics, entry.ports)
    ]


def _wishes(entry: Entry, prefix: str) -> dict[str, str]:
    stem = prefix + "/"
    return {
        key.removeprefix(stem): value.strip()
        for source in (entry.container.labels, entry.annotations)
        for key, value in source.items()
        if key.startswith(stem)
    }


def _ports(wished: str, metrics: Metrics | None, exposed: Iterable[int]) -> list[int]:
    if wished:
        return [int(wished)] if wished.isdecimal() and 0 < int(wished) < 65536 else []
    if metrics is not None:
        return [metrics.port]
    return sorted(set(exposed))


def _path(wished: str) -> str:
    return wished if wished.startswith("/") else "/" + (wished or "metrics")


def _address(entry: Entry, host_address: str) -> str:
    if entry.network is Network.HOST:
        return host_address
    return entry.addresses[0] if entry.addresses else ""


def _host_port(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _labels(entry: Entry, node: str) -> dict[str, str]:
    """What relabelling may use; empty values are left out, as Prometheus would."""
    container = entry.container
    pairs = {name: getattr(container, name) for name in _IDENTITY} | {"node": node}
    pairs["owner_kind"], _, pairs["owner_name"] = container.owner.partition("/")
    pairs |= {f"label_{label_name(name)}": value for name, value in container.labels.items()}
    pairs |= {f"annotation_{label_name(name)}": value for name, value in entry.annotations.items()}
    return {_META + name: valid(value) for name, value in pairs.items() if value or name == "id"}


class Discovery:
    """The list over time: targets of an engine that stopped answering stay for `keep` seconds.

    A container that ended is gone from the list at once; but an engine that is restarted tells of nobody for
    a while, and its containers' targets should not come and go with it. `node`, `prefix` and `host_address` may
    change at any time.
    """

    def __init__(
        self,
        *,
        node: str,
        prefix: str = "prometheus.io",
        host_address: str = "127.0.0.1",
        keep: float = 600.0,
        most: int = 10_000,
    ) -> None:
        self.node = node
        self.prefix = prefix
        self.host_address = host_address
        self._keep = keep
        self._most = most
        self._gone: dict[str, tuple[float, Entry]] = {}
        self._last: dict[str, Entry] = {}

    def observe(self, entries: Iterable[Entry], now: float, unavailable: Collection[str] = ()) -> None:
        """The inventory as it is now, and which engines do not answer; at each change, or each few seconds.

        What an engine that does not answer is said to run is what it ran when it last did.
        """
        running = {
            _key(entry): entry
            for entry in entries
            if _answers(entry) and entry.container.engine not in unavailable
        }
        for key, entry in self._last.items():
            if key not in running and entry.container.engine in unavailable:
                self._gone[key] = (now, entry)
        for key, (since, entry) in list(self._gone.items()):
            if key in running or now - since >= self._keep or entry.container.engine not in unavailable:
                del self._gone[key]
        while len(self._gone) > self._most:
            del self._gone[next(iter(self._gone))]
        self._last = running

    def targets(self, workloads: Mapping[str, Metrics] | None = None) -> list[dict[str, Any]]:
        """All groups, of the living and of those whose engine went silent a short while ago."""
        taken: set[str] = set()
        unique: list[dict[str, Any]] = []
        gone = [entry for _, entry in reversed(self._gone.values())]
        for some in (list(self._last.values()), gone):
            for group in targets(
                some,
                node=self.node,
                prefix=self.prefix,
                host_address=self.host_address,
                workloads=workloads,
            ):
                # An address that somebody else has by now is his.
                if some is not gone or group["targets"][0] not in taken:
                    unique.append(group)
            taken |= {group["targets"][0] for group in unique}
        return sorted(unique, key=lambda group: (group["targets"], group["labels"][_META + "id"]))


def _answers(entry: Entry) -> bool:
    return entry.container.state in (State.RUNNING, State.PAUSED)


def _key(entry: Entry) -> str:
    container = entry.container
    return f"{container.engine}\0{container.engine_id or container.id}"
