"""Delay accounting of the kernel (taskstats): what tasks waited for."""

from __future__ import annotations

from collectors.metrics.catalogue.family import Family

DELAYS: tuple[Family, ...] = ()
