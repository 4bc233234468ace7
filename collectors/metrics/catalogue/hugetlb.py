"""Huge pages."""

from __future__ import annotations

from collectors.metrics.catalogue.family import Compat, Family, Kind, gauge

HUGETLB_USAGE = gauge(
    "container_hugetlb_usage_bytes",
    "hugetlb",
    "Huge pages in use, by their size.",
    "pagesize",
    unit="bytes",
    v1="hugetlb.SIZE.usage_in_bytes",
    v2="hugetlb.SIZE.current",
)
HUGETLB_MAX_USAGE = gauge(
    "container_hugetlb_max_usage_bytes",
    "hugetlb",
    "Most huge pages in use so far.",
    "pagesize",
    unit="bytes",
    compat=Compat.FIXED,
    difference="Absent on v2, where cAdvisor says 0.",
    v1="hugetlb.SIZE.max_usage_in_bytes",
)
HUGETLB_FAILCNT = Family(
    name="container_hugetlb_failcnt",
    kind=Kind.UNKNOWN,
    help="How often the limit on huge pages was hit.",
    collector="hugetlb",
    labels=("pagesize",),
    difference="Unknown, not counter, in OpenMetrics.",
    v1="hugetlb.SIZE.failcnt",
    v2="hugetlb.SIZE.events max",
)

HUGETLB: tuple[Family, ...] = (
    HUGETLB_USAGE,
    HUGETLB_MAX_USAGE,
    HUGETLB_FAILCNT,
)
