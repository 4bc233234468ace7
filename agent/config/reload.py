"""Which changes of a new configuration wait for a restart."""

from __future__ import annotations

from agent.config.load import Config

# Keys that a running agent takes over; all others shape parts that are built once, at its start.
_LIVE = (
    "server",
    "discovery",
    "workloads",
    "workloads_dir",
    "workload_files",
    "node",
    "file",
    "metrics.container_labels",
    "metrics.series_labels",
    "metrics.drop",
    "metrics.series_limit",
    "metrics.keep_final",
    "metrics.keep_dead",
    "runtime.on_exit",
)


def waiting_for_restart(old: Config, new: Config) -> list[str]:
    """Keys that differ between the configuration in force since the start and a new one, and cannot be taken over."""
    found: list[str] = []
    for section in old.__struct_fields__:
        before, after = getattr(old, section), getattr(new, section)
        if section in _LIVE or before == after:
            continue
        if not hasattr(before, "__struct_fields__"):
            found.append(section)
            continue
        found += [
            f"{section}.{key}"
            for key in before.__struct_fields__
            if getattr(before, key) != getattr(after, key) and f"{section}.{key}" not in _LIVE
        ]
    return found
