"""Open files and sockets of processes against their limits."""

from __future__ import annotations

from collectors.metrics.catalogue.family import Family

PROCESS: tuple[Family, ...] = ()
