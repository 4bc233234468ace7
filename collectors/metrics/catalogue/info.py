"""What a container is, beside its identity."""

from __future__ import annotations

from collectors.metrics.catalogue.family import Compat, Family, Kind

INFO = Family(
    name="container_info",
    kind=Kind.INFO,
    help="Engine, workload, role, owner and chosen labels of the container; always 1.",
    collector="info",
    labels=("engine", "engine_id", "workload", "role", "owner_kind", "owner_name", "description"),
    compat=Compat.OWN,
)
