"""TCP counters that explain trouble: retransmits, listen overflows, resets; once per network namespace."""

from __future__ import annotations

from collectors.metrics.catalogue.family import Family

ADVTCP: tuple[Family, ...] = ()
