"""What has to change for the workloads of one owner to be as asked: a pure comparison."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence

import msgspec

from runtime.linux.errors import Refused
from runtime.supervision.spec import WorkloadSpec, replica_name
from runtime.supervision.state import Desired

API = "api"


class Action(enum.StrEnum):
    """What is done to one workload."""

    CREATE = "create"
    UPDATE = "update"
    SCALE = "scale"
    REMOVE = "remove"
    KEEP = "keep"


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One workload's difference; `spec` is what it will be (None when it is removed)."""

    name: str
    action: Action
    spec: WorkloadSpec | None = None


def plan(
    current: Mapping[str, Desired], specs: Sequence[WorkloadSpec], *, owner: str, prune: bool
) -> list[Change]:
    """Changes that bring `owner`'s workloads to `specs`; with `prune` those not named are removed.

    Raises Refused for a name that another owner holds, that is given twice, or that is a replica's.
    """
    _check_names(current, specs, owner)
    changes = [_change(current.get(spec.name), spec) for spec in specs]
    if prune:
        named = {spec.name for spec in specs}
        changes += [
            Change(name=name, action=Action.REMOVE)
            for name, desired in sorted(current.items())
            if desired.owner == owner and name not in named
        ]
    return changes


def _change(known: Desired | None, spec: WorkloadSpec) -> Change:
    if known is None:
        action = Action.CREATE
    elif known.spec == spec:
        action = Action.KEEP
    elif msgspec.structs.replace(known.spec, replicas=spec.replicas) == spec:
        action = Action.SCALE
    else:
        action = Action.UPDATE
    return Change(name=spec.name, action=action, spec=spec)


def check_owner(name: str, desired: Desired, owner: str) -> None:
    """Refused when a workload belongs to somebody else, naming the file that holds it."""
    if desired.owner == owner:
        return
    if desired.owner == API:
        raise Refused(name, "was made through the API", f"remove it first: deckwatch rm {name}")
    raise Refused(name, f"belongs to {desired.owner}", "edit that file and reload")


def _check_names(current: Mapping[str, Desired], specs: Sequence[WorkloadSpec], owner: str) -> None:
    wanted: dict[str, WorkloadSpec] = {}
    for spec in specs:
        if spec.name in wanted:
            raise Refused(spec.name, "is given twice", "give each workload a name of its own")
        wanted[spec.name] = spec
        if spec.name in current:
            check_owner(spec.name, current[spec.name], owner)
    everything = {name: desired.spec for name, desired in current.items()} | wanted
    replicas = {
        replica_name(name, number): name
        for name, spec in everything.items()
        for number in range(1, spec.replicas + 1)
    }
    for name in everything:
        if name in replicas and (name in wanted or replicas[name] in wanted):
            raise Refused(name, f"is the name of a replica of {replicas[name]}", "choose another name")
