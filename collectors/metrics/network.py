"""Traffic of network interfaces, once per network namespace."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence

from collectors.metrics import catalogue
from collectors.metrics.plan import PROC, File, Host, Plan
from collectors.metrics.rows import Number, Value
from runtime.linux.errors import NotSupported

# Columns of net/dev behind the interface's name.
_COLUMNS = (
    (catalogue.INDEX[catalogue.RECEIVE_BYTES], 0),
    (catalogue.INDEX[catalogue.RECEIVE_PACKETS], 1),
    (catalogue.INDEX[catalogue.RECEIVE_ERRORS], 2),
    (catalogue.INDEX[catalogue.RECEIVE_DROPPED], 3),
    (catalogue.INDEX[catalogue.TRANSMIT_BYTES], 8),
    (catalogue.INDEX[catalogue.TRANSMIT_PACKETS], 9),
    (catalogue.INDEX[catalogue.TRANSMIT_ERRORS], 10),
    (catalogue.INDEX[catalogue.TRANSMIT_DROPPED], 11),
)
FAMILIES = tuple(catalogue.ROW[place] for place, _ in _COLUMNS)

# As cAdvisor: the loopback, and the host's ends of containers' links.
_IGNORED = re.compile(rb"lo$|veth|docker|nerdctl")


def probe(host: Host) -> tuple[Plan, ...]:
    """net/dev of the process that owns the namespace."""
    if not os.path.exists(f"{host.proc}/self/net/dev"):
        raise NotSupported("the kernel has no network")
    return (Plan((File(PROC, "net/dev"),), FAMILIES, _parser()),)


def _parser() -> Callable[[Sequence[bytes], list[Value]], None]:
    labels: dict[bytes, str] = {}

    def label(interface: bytes) -> str:
        if interface not in labels:
            if len(labels) > 10000:
                labels.clear()
            name = interface.decode("utf-8", "replace").replace("\\", r"\\").replace('"', r"\"")
            labels[interface] = f',interface="{name}"'
        return labels[interface]

    def parse(contents: Sequence[bytes], values: list[Value]) -> None:
        found = []
        for line in contents[0].split(b"\n")[2:]:
            # A name may hold colons (an alias), so the last one counts.
            interface, _, counters = line.rpartition(b":")
            interface = interface.strip()
            if interface and not _IGNORED.match(interface):
                found.append((label(interface), counters.split()))
        for place, column in _COLUMNS:
            series: tuple[tuple[str, Number], ...] = tuple(
                (text, int(fields[column])) for text, fields in found
            )
            values[place] = series or None

    return parse
