"""What the scheduler counts for each task: time on a CPU and time waited for one."""

from __future__ import annotations

from collectors.metrics.catalogue.family import Family

SCHED: tuple[Family, ...] = ()
