"""Huge pages."""

from __future__ import annotations

from collectors.metrics.catalogue.family import Family

HUGETLB: tuple[Family, ...] = ()
