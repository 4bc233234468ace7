"""One query over log files, answered by a short-lived process: `python -m collectors.logs.query`.

The process reads a LogQuery as JSON from its input and writes JSON lines. When it cannot go on it writes
a last word, `{"reason": …, "text": …}`, on its error output and ends with status 3. With status 0 the
error output may hold the errors of containers that could not be read, as a JSON list.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys

import msgspec

from collectors.logs.record import LogTarget
from runtime.linux.errors import DeckwatchError

FAILED = 3


class LogQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What to find. Times are epoch seconds, both inclusive; `grep` is an RE2 pattern.

    `level` and `stream` are one name or several with commas. `limit` counts over all containers,
    `tail_per_container` the newest of each. `previous` asks for the run before the newest one.
    `cuts` are boundaries of entries that were set by time, by container: key in hex, offset, size.
    """

    targets: list[LogTarget] = []
    since: float | None = None
    until: float | None = None
    grep: str | None = None
    level: str | None = None
    stream: str | None = None
    limit: int = 1000
    direction: str = "backward"
    tail_per_container: int | None = None
    previous: bool = False
    cuts: dict[str, list[tuple[str, int, int]]] = {}


def _write(query: LogQuery, scratch: str, max_bytes: int) -> None:
    from collectors.logs.answer import answer
    from collectors.logs.segment import Budget

    skipped: list[str] = []
    with os.fdopen(sys.stdout.fileno(), "wb", buffering=256 * 1024, closefd=False) as output:
        for line in answer(query, scratch, Budget(max_bytes), skipped):
            output.write(line)
    if skipped:
        print(json.dumps(skipped), file=sys.stderr)


def main() -> None:
    """Entry point of the process."""
    parser = argparse.ArgumentParser(prog="collectors.logs.query")
    parser.add_argument("--scratch", required=True)
    parser.add_argument("--max-bytes", type=int, required=True)
    options = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        query = msgspec.json.decode(sys.stdin.buffer.read(), type=LogQuery)
        _write(query, options.scratch, options.max_bytes)
    except BrokenPipeError:
        os._exit(FAILED)
    except (DeckwatchError, OSError) as error:
        print(json.dumps({"reason": reason_of(error), "text": str(error)}), file=sys.stderr)
        sys.exit(FAILED)


def reason_of(error: Exception) -> str:
    """The word by which a refusal is told: `pattern`, `bytes` or `failed`."""
    from collectors.logs.archive import TooLarge
    from collectors.logs.judge import BadQuery
    from collectors.logs.segment import TooManyBytes

    if isinstance(error, BadQuery):
        return "pattern"
    return "bytes" if isinstance(error, TooLarge | TooManyBytes) else "failed"


if __name__ == "__main__":
    main()
