"""Memory by NUMA node."""

from __future__ import annotations

from collectors.metrics.catalogue.family import Family

NUMA: tuple[Family, ...] = ()
