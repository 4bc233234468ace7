"""One query over log files, answered by a short-lived process: `python -m collectors.logs.queryprocess`.

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

from collectors.logs.answer import answer
from collectors.logs.archive import TooLarge
from collectors.logs.judge import BadQuery
from collectors.logs.query import LogQuery
from collectors.logs.segment import Budget, TooManyBytes
from runtime.linux.errors import DeckwatchError

FAILED = 3


def _write(query: LogQuery, scratch: str, max_bytes: int) -> None:
    skipped: list[str] = []
    with os.fdopen(sys.stdout.fileno(), "wb", buffering=256 * 1024, closefd=False) as output:
        for line in answer(query, scratch, Budget(max_bytes), skipped):
            output.write(line)
    if skipped:
        print(json.dumps(skipped), file=sys.stderr)


def main() -> None:
    """Entry point of the process."""
    parser = argparse.ArgumentParser(prog="collectors.logs.queryprocess")
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
    if isinstance(error, BadQuery):
        return "pattern"
    return "bytes" if isinstance(error, TooLarge | TooManyBytes) else "failed"


if __name__ == "__main__":
    main()
