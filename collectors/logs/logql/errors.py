"""What is wrong with a LogQL query, and where."""

from __future__ import annotations

from runtime.linux.errors import DeckwatchError


class LogQLError(DeckwatchError):
    """A query that cannot be answered as it is written: the text of a 400.

    `line` and `column` count from 1 and name the token's first character; both are 0 when it is not the text
    but its evaluation that fails. `token` is the offending piece as it was written, empty at the query's end.
    """

    def __init__(self, message: str, line: int = 0, column: int = 0, token: str = "") -> None:
        place = f"parse error at line {line}, col {column}: " if line else ""
        super().__init__(place + message)
        self.message = message
        self.line = line
        self.column = column
        self.token = token
