"""TCP sockets by state, once per network namespace."""

from __future__ import annotations

from collectors.metrics.catalogue.family import Family

TCP: tuple[Family, ...] = ()
