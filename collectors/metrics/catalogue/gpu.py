"""Graphics processors used by the container."""

from __future__ import annotations

from collectors.metrics.catalogue.family import Family

GPU: tuple[Family, ...] = ()
