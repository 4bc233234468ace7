"""The labels that a container's output has as a stream of Loki, shipped or asked for here.

Few values each, so that streams stay few; what is different in every pod or run is structured metadata.
Limits: Loki's defaults (`limits_config`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from collectors.logs.record import LogTarget

MAX_LABELS = 15
MAX_VALUE = 2048
_MAX_NAME = 1024
_BAD = re.compile(r"[^A-Za-z0-9_]")
_SERVICE = ("app.kubernetes.io/name", "com.docker.compose.service")
_METADATA = ("pod", "id", "image")


def stream_labels(target: LogTarget, stream: str, node: str, external: Mapping[str, str]) -> dict[str, str]:
    """The labels of what a container prints on `stdout` or `stderr`; those without a value are left out.

    `external` are added as far as there is room, and never in the place of one of the container's own.
    """
    about = target.container
    labels = {
        "node": node,
        "engine": about.get("engine"),
        "namespace": about.get("namespace"),
        "container": about.get("container"),
        "workload": about.get("workload"),
        "service_name": service_name(about),
        "stream": stream,
        "name": None if about.get("pod") else about.get("name"),
    }
    found = {name: cut(value, MAX_VALUE) for name, value in labels.items() if value}
    for name, value in sorted(external.items()):
        name = label_name(name)
        if value and name not in labels and len(found) < MAX_LABELS:
            found.setdefault(name, cut(value, MAX_VALUE))
    return found


def stream_metadata(target: LogTarget) -> dict[str, str]:
    """The structured metadata that all of a container's records have."""
    return {name: cut(value, MAX_VALUE) for name in _METADATA if (value := target.container.get(name))}


def service_name(about: Mapping[str, Any]) -> str:
    """What the service is called: by label, else the workload, else the container."""
    labels = about.get("labels") or {}
    for value in (
        *map(labels.get, _SERVICE),
        about.get("workload"),
        about.get("container"),
        about.get("name"),
    ):
        if value:
            return str(value)
    return "unknown_service"


def label_name(text: str) -> str:
    """A text as the name of a label."""
    name = _BAD.sub("_", text)[:_MAX_NAME]
    return f"_{name}" if not name or name[0].isdigit() else name


def cut(value: object, most: int) -> str:
    """A text of at most so many bytes of UTF-8; what cannot be written so (of a name that is no text) is `?`."""
    text = str(value)
    if text.isascii():
        return text[:most]
    return text.encode("utf-8", "replace")[:most].decode("utf-8", "ignore")
