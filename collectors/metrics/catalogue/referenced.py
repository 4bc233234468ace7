"""Memory touched since the marks were last cleared."""

from __future__ import annotations

from collectors.metrics.catalogue.family import Family

REFERENCED: tuple[Family, ...] = ()
