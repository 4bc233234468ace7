"""Which log files the log worker reads: one target for each container whose output lies in a file."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from agent.lifecycle.story import Life, Lifecycle
from agent.logs.journal import JournalSources
from agent.logs.rules import Rules
from collectors.logs.record import LogTarget
from collectors.model import Container, State, identity


def target_id(container: Container) -> str:
    """What a container's output is told by: its cgroup, or its engine's own id when it ended before it was seen."""
    return container.id or container.engine_id


def log_targets(
    lifecycle: Lifecycle, node: str, rules: Rules, journal: JournalSources | None = None
) -> list[LogTarget]:
    """Targets of all containers that an engine lists."""
    return list(_targets(lifecycle, node, rules, journal))


def _targets(
    lifecycle: Lifecycle, node: str, rules: Rules, journal: JournalSources | None
) -> Iterable[LogTarget]:
    for life in lifecycle.lives():
        container = lifecycle.container(life)
        source = life.entry.log or (journal.source(container) if journal else None)
        if source is None:
            continue
        rule = rules.rule(container, life.entry.annotations)
        yield LogTarget(
            id=target_id(container),
            source=source,
            container=_about(life, container, node),
            runs=lifecycle.runs(life),
            finished=container.state in (State.EXITED, State.CRASH_LOOP, State.REFUSED),
            rule=rule,
            sinks=rules.sinks(container, rule),
        )


def _about(life: Life, container: Container, node: str) -> dict[str, Any]:
    return {**identity(container), "node": node, "labels": life.entry.container.labels}
