"""`deckwatch events`: what happened to containers, and happens now."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from agent.cli.client import client_options, open_client
from agent.cli.follow import follow as follow_stream
from agent.cli.format import harmless, output_option
from agent.cli.ps import selector_of

MOST = 10_000


@click.command()
@click.option("-f", "--follow", is_flag=True, help="Go on with what happens from now on.")
@click.option("--since", metavar="T", help="From this time on: 15m, 2h or 2026-01-31T12:00:00Z.")
@click.option(
    "--filter", "filters", multiple=True, metavar="K=V", help="Only those of containers whose field K is V."
)
@output_option("table", "json")
@client_options
def events(
    follow: bool,
    since: str | None,
    filters: tuple[str, ...],
    output: str,
    socket_path: str | None,
    config_file: str | None,
) -> None:
    """Print starts, exits, OOM kills, restarts and health changes, the oldest first.

    With -o json one object per line.
    """
    client = open_client(socket_path, config_file)
    show = json.dumps if output == "json" else line
    chosen = {"selector": selector_of(filters)}
    if not follow:
        for event in client.json("GET", "/api/v1/events", {**chosen, "since": since, "limit": MOST}):
            click.echo(show(event))
        return
    for kind, data in follow_stream(client, "/api/v1/events/stream", {**chosen, "since": since}, chosen):
        if kind == "lagged":
            click.echo(f"deckwatch: {json.loads(data)['message']}", err=True)
            continue
        click.echo(show(json.loads(data)))
        sys.stdout.flush()


def line(event: dict[str, Any]) -> str:
    """One event as a line: when, what, to whom, and how it came."""
    about = event["container"]
    name = about.get("name") or about.get("id", "?")
    if about.get("pod"):
        name = f"{about.get('namespace', '')}/{about['pod']}/{about.get('container') or 'POD'}"
    text = f"{event['time']}  {event['type']:<8}  {name} (run {event['run']})"
    details = [detail for detail in (_how(event), _whom(event), _late(event)) if detail]
    return harmless(f"{text}: {', '.join(details)}" if details else text)


def _how(event: dict[str, Any]) -> str:
    parts = []
    if event.get("reason"):
        parts.append(str(event["reason"]))
    if event.get("health"):
        parts.append(str(event["health"]))
    if event.get("exit_code") is not None:
        parts.append(f"code {event['exit_code']}")
    if event.get("signal") is not None:
        parts.append(f"signal {event['signal']}")
    return ", ".join(parts)


def _whom(event: dict[str, Any]) -> str:
    process = event.get("process") or {}
    return f"process {process.get('name', '?')} ({process.get('pid', '?')})" if process else ""


def _late(event: dict[str, Any]) -> str:
    return "learnt of later" if event.get("observed") == "late" else ""
