"""All records of a question, page by page: the API answers with a bounded number at once."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator
from typing import Any

import click

from agent.cli.client import Client
from agent.units import format_time, parse_time

PATH = "/api/v1/logs"
PAGE = 100_000
OVERLAP = 0.002  # seconds; times travel as floats, so a page begins a little before the last one's end


def records(client: Client, parameters: dict[str, Any], page: int = PAGE) -> Iterator[bytes]:
    """The records of a question asked forwards, the oldest first, each once."""
    since, seen = parameters.get("since"), frozenset[str]()
    while True:
        count, fresh = 0, 0
        last: deque[bytes] = deque(maxlen=page)
        for line in client.lines(PATH, parameters | {"since": since, "direction": "forward", "limit": page}):
            count += 1
            if seen and json.loads(line)["uid"] in seen:
                continue
            fresh += 1
            last.append(line)
            yield line
        if count < page:
            return
        if not fresh:
            click.echo(f"deckwatch: more than {page} records of one moment; the rest is left out", err=True)
            return
        since, seen = _next(last, seen)


def _next(last: deque[bytes], before: frozenset[str]) -> tuple[str, frozenset[str]]:
    """Where the next page begins, and what of it was already given."""
    begin = parse_time(json.loads(last[-1])["time"][:26].rstrip("Z") + "Z", 0) - OVERLAP
    seen: set[str] = set()
    for line in reversed(last):
        record = json.loads(line)
        if record["time"] < format_time(begin - OVERLAP):
            break
        seen.add(record["uid"])
    else:
        seen |= before  # the last page was all within the overlap
    return format_time(begin), frozenset(seen)
