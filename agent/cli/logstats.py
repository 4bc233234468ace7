"""What `deckwatch logs --stats` shows: what became of what containers printed, one row a container."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from agent.cli.client import Client
from agent.cli.format import as_json, harmless, table
from agent.units import format_age, format_size

PATH = "/api/v1/logs/stats"
_NONE = "-"


def show(client: Client, references: Sequence[str], output: str) -> None:
    """Print the accounts of some containers, of all when none is named, and what is wrong with sinks."""
    stats = client.json("GET", PATH, {"container": list(references)})
    if output == "json":
        click.echo(as_json(stats))
        return
    sinks = [str(sink["name"]) for sink in stats["sinks"]]
    header = ("NAME", "READ", "BYTES", "LAG", *(f"SHIPPED {name}" for name in sinks), "DROPPED")
    click.echo(table(header, [row(one, sinks) for one in stats["containers"]]))
    for sink in stats["sinks"]:
        if sink["failing_since"]:
            click.echo(
                harmless(
                    f"{sink['name']} fails since {sink['failing_since']}: {sink['why'] or 'no reason told'}"
                )
            )


def row(account: dict[str, Any], sinks: Sequence[str]) -> list[str]:
    """One container: lines and bytes read, seconds behind, records shipped to each sink, and what was given up."""
    container = account["container"]
    name = str(container.get("name") or container["id"])
    if container.get("pod"):
        name = f"{container['pod']}/{container.get('container', '')}"
    read = account.get("read")
    shipped = {one["sink"]: one for one in account["shipped"]}
    return [
        name,
        str(sum(read["lines"].values())) if read else _NONE,
        format_size(sum(read["bytes"].values())) if read else _NONE,
        format_age(account["lag"]) if read else _NONE,
        *(_delivered(shipped.get(sink)) for sink in sinks),
        _dropped(account, shipped) or _NONE,
    ]


def _delivered(shipped: dict[str, Any] | None) -> str:
    if shipped is None:
        return _NONE
    behind = f", {format_age(shipped['lag'])} behind" if shipped["lag"] >= 1 else ""
    return f"{shipped['records']}{behind}"


def _dropped(account: dict[str, Any], shipped: dict[str, dict[str, Any]]) -> str:
    """`cut 3, rotated_away ≥2, loki: rule 5`: counts by reason, at least so many where their size is unknown."""
    found = [_reason(one) for one in account.get("dropped", ())]
    found += [f"{sink}: {_reason(one)}" for sink, each in shipped.items() for one in each["dropped"]]
    return ", ".join(found)


def _reason(one: dict[str, Any]) -> str:
    least = "≥" if one.get("size") == "unknown" else ""
    return f"{one['reason']} {least}{one['count']}"
