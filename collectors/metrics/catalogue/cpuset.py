"""CPUs and memory nodes the container may use."""

from __future__ import annotations

from collectors.metrics.catalogue.family import Family

CPUSET: tuple[Family, ...] = ()
