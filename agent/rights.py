"""Who may do what: rights, and bearer tokens that grant them."""

from __future__ import annotations

import enum
import hashlib
import hmac
import os
from collections.abc import Iterable
from typing import Annotated

import msgspec
import structlog

from agent.config.decode import Decoder
from agent.config.file import Reader, Tree
from runtime.linux.errors import DeckwatchError

log = structlog.get_logger()
TOKENS_REFUSED = "tokens_refused"


class Right(enum.StrEnum):
    """What a route needs. `scrape` is `/metrics` and `/sd` alone; a token with `metrics` has it too."""

    SCRAPE = "scrape"
    METRICS = "metrics"
    LOGS = "logs"
    EVENTS = "events"
    CONTROL = "control"


ALL = frozenset(Right)
LOOPBACK = ALL - {Right.CONTROL}
OPEN = frozenset({Right.SCRAPE})


class TokensError(DeckwatchError):
    """A tokens file that cannot be used; one line for each reason."""


class Token(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One bearer token: itself, or its SHA-256 in hexadecimal; `name` is for the log and the reader."""

    name: str
    rights: tuple[Right, ...]
    token: Annotated[str, msgspec.Meta(min_length=16)] | None = None
    sha256: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-fA-F]{64}$")] | None = None

    def digest(self) -> bytes:
        """SHA-256 of the token."""
        if self.token is not None:
            return hashlib.sha256(self.token.encode()).digest()
        return bytes.fromhex(self.sha256 or "")


class TokensFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The tokens file: YAML or JSON with one list."""

    tokens: tuple[Token, ...]


def read_tokens(path: str) -> list[tuple[bytes, frozenset[Right]]]:
    """Digest and rights of each token; raises TokensError with every reason."""
    reader = Reader(os.environ, [])
    tree = reader.read_file(path)
    if tree is None and not reader.problems:
        raise TokensError(f"{path}: is empty; it needs `tokens:`, a list of name, token and rights")
    parsed = Decoder(reader.problems).decode(tree, TokensFile, "") if tree is not None else None
    problems = [str(problem) for problem in reader.problems]
    if isinstance(parsed, TokensFile):
        problems += _contradictions(path, tree, parsed.tokens)
    if problems or not isinstance(parsed, TokensFile):
        raise TokensError("\n".join(problems))
    return [(token.digest(), _granted(token.rights)) for token in parsed.tokens]


def _contradictions(path: str, tree: Tree | None, tokens: Iterable[Token]) -> list[str]:
    line = tree.line if tree is not None else 0
    return [
        f"{path}:{line}: token {token.name}: give either token (16 characters or more) or sha256"
        for token in tokens
        if (token.token is None) == (token.sha256 is None)
    ]


def _granted(rights: Iterable[Right]) -> frozenset[Right]:
    granted = frozenset(rights)
    return granted | {Right.SCRAPE} if Right.METRICS in granted else granted


class Tokens:
    """The tokens of a file, read again when it changes; a bad or missing new file leaves the old ones."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._stamp = self._stamp_now()
        self._tokens = read_tokens(path)

    def _stamp_now(self) -> tuple[int, int, int] | None:
        try:
            found = os.stat(self._path)
        except OSError:
            return None
        return (found.st_ino, found.st_size, found.st_mtime_ns)

    def refresh(self) -> None:
        """Read the file again if it is another than before."""
        stamp = self._stamp_now()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._tokens = read_tokens(self._path)
        except TokensError as error:
            log.error(
                TOKENS_REFUSED, path=self._path, reason=str(error), remedy="the old tokens stay in force"
            )

    def rights_of(self, token: str) -> frozenset[Right] | None:
        """What a token grants; None when it is unknown. Takes the same time whichever it is."""
        self.refresh()
        given = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
        found: frozenset[Right] | None = None
        for digest, rights in self._tokens:
            if hmac.compare_digest(digest, given):
                found = rights
        return found
