"""One query over log files, answered by a short-lived process: `python -m collectors.logs.queryprocess`.

The process reads a LogQuery as JSON from its input and writes JSON lines; with `--loki` a LokiQuery, and writes
the pieces of one JSON document, each on a line. When it cannot go on it writes
a last word, `{"reason": …, "text": …}`, on its error output and ends with status 3. With status 0 the
error output may hold the errors of containers that could not be read, as a JSON list.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
from collections.abc import Iterator

import msgspec

from collectors.logs.answer import answer
from collectors.logs.archive import TooLarge
from collectors.logs.judge import BadQuery
from collectors.logs.logql.errors import LogQLError
from collectors.logs.query import LogQuery
from collectors.logs.segment import Budget, TooManyBytes
from runtime.linux.errors import DeckwatchError

FAILED = 3
# What is told of containers that could not be read fits into one look at the error output.
_MOST, _LONGEST = 100, 500


def _lines(question: bytes, scratch: str, budget: Budget, skipped: list[str]) -> Iterator[bytes]:
    return answer(msgspec.json.decode(question, type=LogQuery), scratch, budget, skipped)


def _loki(question: bytes, scratch: str, budget: Budget) -> Iterator[bytes]:
    # Only such a question pays for the grammar.
    from collectors.logs.loki.answer import answer as loki_answer
    from collectors.logs.loki.query import LokiQuery

    for piece in loki_answer(msgspec.json.decode(question, type=LokiQuery), scratch, budget):
        yield piece + b"\n"


def _write(options: argparse.Namespace) -> None:
    skipped: list[str] = []
    question, budget = sys.stdin.buffer.read(), Budget(options.max_bytes)
    if options.loki:
        pieces = _loki(question, options.scratch, budget)
    else:
        pieces = _lines(question, options.scratch, budget, skipped)
    with os.fdopen(sys.stdout.fileno(), "wb", buffering=256 * 1024, closefd=False) as output:
        for piece in pieces:
            output.write(piece)
    if skipped:
        print(json.dumps([text[:_LONGEST] for text in skipped[:_MOST]]), file=sys.stderr)


def main() -> None:
    """Entry point of the process."""
    parser = argparse.ArgumentParser(prog="collectors.logs.queryprocess")
    parser.add_argument("--scratch", required=True)
    parser.add_argument("--max-bytes", type=int, required=True)
    parser.add_argument("--loki", action="store_true")
    options = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        _write(options)
    except BrokenPipeError:
        os._exit(FAILED)
    except (DeckwatchError, OSError) as error:
        print(json.dumps({"reason": reason_of(error), "text": str(error)}), file=sys.stderr)
        sys.exit(FAILED)


def reason_of(error: Exception) -> str:
    """The word by which a refusal is told: `pattern`, `bytes` or `failed`."""
    if isinstance(error, BadQuery | LogQLError):
        return "pattern"
    return "bytes" if isinstance(error, TooLarge | TooManyBytes) else "failed"


if __name__ == "__main__":
    main()
