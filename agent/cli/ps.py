"""`deckwatch ps`: who runs here."""

from __future__ import annotations

import re
import time
from typing import Any

import click

from agent.cli.client import client_options, open_client
from agent.cli.format import as_json, output_option, table
from agent.units import format_age, parse_time

HEADER = ("NAME", "STATE", "SINCE", "RESTARTS", "OOM", "ENGINE", "IMAGE")
_FILTER = re.compile(r"([a-zA-Z_][a-zA-Z0-9_]*)(=~|!~|!=|=)(.*)", re.DOTALL)


@click.command()
@click.option(
    "-a",
    "--all",
    "dead",
    is_flag=True,
    help="Also those that ended and are still kept, and pods, sandboxes, services and slices.",
)
@click.option(
    "--filter", "filters", multiple=True, metavar="K=V",
    help="Only those whose field K is V: name=web, state=running, role=service, label_app=shop; also != =~ !~.",
)  # fmt: skip
@output_option("table", "json")
@client_options
def ps(
    dead: bool, filters: tuple[str, ...], output: str, socket_path: str | None, config_file: str | None
) -> None:
    """List containers, whoever started them."""
    client = open_client(socket_path, config_file)
    found = client.json(
        "GET", "/api/v1/containers", {"selector": selector_of(filters), "all": 1 if dead else None}
    )
    if output == "json":
        click.echo(as_json(found))
    else:
        now = time.time()
        click.echo(table(HEADER, [row(one, now) for one in found]))
        for one in found:
            if one["state"] in ("refused", "crash_loop") and one["message"]:
                click.echo(f"{shown_name(one)} {one['state']}: {one['message']}")


def selector_of(filters: tuple[str, ...]) -> str:
    """The selector of some `K=V`; raises UsageError for what is none."""
    parts = []
    for text in filters:
        match = _FILTER.fullmatch(text)
        if match is None:
            raise click.UsageError(f"--filter {text}: write it as K=V, such as --filter state=running")
        value = match[3].replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        parts.append(f'{match[1]}{match[2]}"{value}"')
    return "{" + ",".join(parts) + "}" if parts else ""


def row(one: dict[str, Any], now: float) -> tuple[str, ...]:
    """One line of the table."""
    since = one["finished_at"] or one["started_at"]
    return (
        shown_name(one),
        state(one),
        format_age(now - parse_time(since, now)) if since else "-",
        str(one["restarts"]),
        str(one["oom_kills"]),
        engine(one),
        one["image"] or "-",
    )


def shown_name(one: dict[str, Any]) -> str:
    """The name people know it by: in Kubernetes namespace/pod/container, a pod namespace/pod."""
    if one["pod"]:
        pod = f"{one['namespace']}/{one['pod']}"
        return pod if one["role"] == "pod" else f"{pod}/{one['container'] or 'POD'}"
    return str(one["name"] or one["id"])


def engine(one: dict[str, Any]) -> str:
    """The engine, and what it is when it is no container."""
    return str(one["engine"]) if one["role"] in ("container", "cgroup") else f"{one['engine']} {one['role']}"


def state(one: dict[str, Any]) -> str:
    """State with what matters in it: health of the living, reason and code of the dead."""
    if one["state"] in ("running", "paused") and one["health"] != "none":
        return f"{one['state']} ({one['health']})"
    if one["state"] in ("exited", "crash_loop", "restarting", "refused"):
        details = [str(detail) for detail in (one["reason"], one["exit_code"]) if detail is not None]
        return f"{one['state']} ({' '.join(details)})" if details else str(one["state"])
    return str(one["state"])
