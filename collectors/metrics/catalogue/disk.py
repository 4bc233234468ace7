"""File systems: what the writable layer and volumes use, and what is left."""

from __future__ import annotations

from collectors.metrics.catalogue.family import Family

DISK: tuple[Family, ...] = ()
