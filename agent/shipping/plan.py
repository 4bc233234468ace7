"""What the log worker ships to, as the agent tells it."""

from __future__ import annotations

from typing import Any

import msgspec


class Plan(msgspec.Struct, frozen=True):
    """What the worker is to ship to: each sink's type and settings (as plain values), this host's name and labels,
    the spool's directory and size."""

    sinks: list[tuple[str, dict[str, Any]]] = []
    node: str = ""
    external_labels: dict[str, str] = {}
    spool: str = ""
    spool_bytes: int = 1 << 30
    version: str = ""
