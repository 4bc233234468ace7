"""UDP sockets and queues, once per network namespace."""

from __future__ import annotations

from collectors.metrics.catalogue.family import Family

UDP: tuple[Family, ...] = ()
