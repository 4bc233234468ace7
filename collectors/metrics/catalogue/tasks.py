"""Tasks by state."""

from __future__ import annotations

from collectors.metrics.catalogue.family import Family

TASKS: tuple[Family, ...] = ()
