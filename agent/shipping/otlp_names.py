"""A container and its records in the words of OpenTelemetry's semantic conventions.

Source: https://opentelemetry.io/docs/specs/semconv/ (resource: container, k8s, host, service; attributes: log).
"""

from __future__ import annotations

from collections.abc import Mapping

from collectors.logs.loki_labels import cut, service_name
from collectors.logs.record import LogTarget

SCOPE = "deckwatch"
UID = "log.record.uid"
"""Records with the same uid are copies of each other."""
IOSTREAM = "log.iostream"
RUN = "deckwatch.run"
SEVERITIES: Mapping[str, int] = {"trace": 1, "debug": 5, "info": 9, "warn": 13, "error": 17, "fatal": 21}
TRACE_DIGITS = 32
_MAX_LABELS = 64
_MAX_VALUE = 4096


def resource(target: LogTarget, node: str, external: Mapping[str, str]) -> dict[str, str]:
    """The attributes of a container; what is not known is left out."""
    about = target.container
    pod = about.get("pod")
    found = {
        "service.name": service_name(about),
        "host.name": node,
        "container.id": about.get("engine_id"),
        "container.name": about.get("name"),
        "container.image.name": about.get("image"),
        "container.runtime.name": about.get("engine"),
        "k8s.node.name": pod and node,
        "k8s.namespace.name": pod and about.get("namespace"),
        "k8s.pod.name": pod,
        "k8s.container.name": pod and about.get("container"),
        "deckwatch.id": about.get("id"),
        "deckwatch.workload": about.get("workload"),
    }
    prefix = "k8s.pod.label." if pod else "container.label."
    labels = list((about.get("labels") or {}).items())[:_MAX_LABELS]
    merged = {**external, **{f"{prefix}{name}": value for name, value in labels}, **found}
    return {cut(name, _MAX_VALUE): cut(value, _MAX_VALUE) for name, value in merged.items() if value}


def trace_of(trace_id: str | None) -> str:
    """32 hexadecimal digits, those of 64 bits with zeros before; empty for none."""
    return trace_id.rjust(TRACE_DIGITS, "0") if trace_id else ""
