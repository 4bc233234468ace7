"""Blacks out what should not be in a log, before anybody sees it."""

from __future__ import annotations

import bisect
import itertools
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import re2

from collectors.logs.redact.document import Document
from collectors.logs.redact.rules import RULES, SUSPECTS, RedactRule
from collectors.logs.rule import Redaction
from runtime.linux.errors import DeckwatchError

_MEMORY = 32 << 20
_MOST = 1000
"""Secrets of one rule in one message; beyond them the message is no log line, and the rest of it is blacked out."""
_UNUSUAL = re.compile(r"[^A-Za-z0-9_.-]")
_LONGEST_NAME = 64
# What means another place, or another thing, in messages that were joined with newlines.
_BOUND_TO_TEXT = re.compile(r"\\[AzQ]|\(\?[A-Za-z]*-")


class BadPattern(DeckwatchError):
    """A pattern that RE2 cannot read."""


class _Compiled(NamedTuple):
    rule: RedactRule
    pattern: Any
    mark: bytes


class Redactor:
    """Applies one redaction. `hits` counts what was blacked out, by rule; `marks` are the texts that take its place."""

    def __init__(self, redaction: Redaction | None) -> None:
        builtin = [_compiled(rule) for rule in RULES] if redaction and redaction.defaults else []
        own = [_own(name, pattern) for name, pattern in redaction.patterns] if redaction else []
        self.hits: Counter[str] = Counter()
        self._all = builtin + own
        self._own = own
        self._suspects = _pattern("suspects", _lines(SUSPECTS), latin=True) if builtin else None
        patterns = redaction.patterns if redaction else ()
        self._alone = any(_BOUND_TO_TEXT.search(pattern) for _, pattern in patterns)
        self._own_suspects = [_pattern(name, _lines(pattern.encode())) for name, pattern in patterns]
        self._fail_closed = redaction is not None and redaction.fail_closed
        self.marks = frozenset(one.mark for one in builtin + own)

    def redact(self, message: bytes) -> bytes | None:
        """The message as anybody may see it; None when it is withheld."""
        return self.redact_many([message])[0]

    def redact_many(self, messages: Sequence[bytes]) -> Sequence[bytes | None]:
        """Each message as anybody may see it, None for one withheld; the same object when all of them are clean."""
        builtin, own = self._suspected(messages)
        redacted: list[bytes | None] | None = None
        for index in sorted(builtin | own):
            message = messages[index]
            found = self._redacted(message, self._all if index in builtin else self._own)
            if found is not message:
                if redacted is None:
                    redacted = list(messages)
                redacted[index] = found
        return messages if redacted is None else redacted

    def _suspected(self, messages: Sequence[bytes]) -> tuple[set[int], set[int]]:
        """The numbers of the messages that may hold something of the built-in rules, and of the own ones: for each
        of these patterns one search over all messages."""
        builtin: set[int] = set()
        own: set[int] = set(range(len(messages))) if self._alone else set()
        if messages and (self._suspects is not None or self._own):
            joined = b"\n".join(messages)
            if self._suspects is not None:
                builtin |= _holding(self._suspects, joined, messages)
            if not self._alone:
                own = own.union(*(_holding(pattern, joined, messages) for pattern in self._own_suspects))
        return builtin, own

    def _redacted(self, message: bytes, rules: Sequence[_Compiled]) -> bytes | None:
        try:
            for one in rules:
                message = self._applied(one, message)
        except Exception:  # whatever a pattern does, the message is withheld or passes
            return None if self._fail_closed else message
        return message

    def _applied(self, one: _Compiled, message: bytes) -> bytes:
        hit = one.pattern.search(message)
        if hit is None:
            return message
        document = Document(message)
        parts: list[bytes] = []
        copied = replaced = 0
        while hit is not None:
            start, end = hit.span(1)
            if start >= copied and self._is_secret(one.rule, message, start, end):
                replaced += 1
                if replaced > _MOST:
                    parts += (message[copied:start], one.mark)
                    copied = len(message)
                    break
                first, last, quote = document.place(start, end)
                parts += (message[copied:first], quote + one.mark + quote)
                copied = last
            # From the end of the group on: what stands behind it may stand before the next one.
            behind = end if end > start else max(hit.end(), hit.start() + 1)
            behind = max(behind, copied)
            hit = one.pattern.search(message, behind) if behind < len(message) else None
        self.hits[one.rule.name] += replaced
        return b"".join([*parts, message[copied:]]) if parts else message

    def _is_secret(self, rule: RedactRule, message: bytes, start: int, end: int) -> bool:
        """Whether a rule's group found one: something, no part of a replacement, and what the rule means."""
        if end <= start or not rule.is_one(message, start, end):
            return False
        return not any(
            message.find(mark, max(0, end - len(mark)), start + len(mark)) >= 0 for mark in self.marks
        )


def _holding(pattern: Any, joined: bytes, messages: Sequence[bytes]) -> set[int]:
    """The numbers of the messages, joined with newlines, in which a pattern finds something, and of some more."""
    hit = pattern.search(joined)
    found: set[int] = set()
    if hit is None:
        return found
    ends = list(itertools.accumulate(len(message) + 1 for message in messages))
    while hit is not None:
        last = bisect.bisect_right(ends, max(hit.start(), hit.end() - 1))
        found.update(range(bisect.bisect_right(ends, hit.start()), last + 1))
        hit = pattern.search(joined, ends[last]) if last + 1 < len(messages) else None
    return found


def _lines(pattern: bytes) -> bytes:
    """A pattern whose ends of text are ends of lines."""
    return b"(?m:" + pattern + b")"


def check(redaction: Redaction) -> list[str]:
    """What is wrong with a redaction's own patterns, one text each; empty when it can be used."""
    found: list[str] = []
    for name, pattern in redaction.patterns:
        if not 0 < len(name) <= _LONGEST_NAME or _UNUSUAL.search(name):
            found.append(f"redaction {name!r}: give it a name of 1 to {_LONGEST_NAME} of A-Z a-z 0-9 _ . -")
        try:
            Redactor(Redaction(defaults=False, patterns=((name, pattern),)))
        except BadPattern as error:
            found.append(str(error))
    return found


def _compiled(rule: RedactRule) -> _Compiled:
    return _Compiled(rule, _pattern(rule.name, rule.pattern, latin=True), f"[redacted:{rule.name}]".encode())


def _own(name: str, text: str) -> _Compiled:
    pattern = _pattern(name, text.encode())
    if not pattern.groups:
        pattern = _pattern(name, b"(" + text.encode() + b")")
    shown = _UNUSUAL.sub("_", name)[:_LONGEST_NAME]  # it stands in documents of any kind
    return _Compiled(RedactRule(name, text.encode()), pattern, f"[redacted:{shown}]".encode())


def _pattern(name: str, text: bytes, *, latin: bool = False) -> Any:
    """A pattern over UTF-8, or with `latin` over any bytes: then no broken character hides what stands beside it."""
    options = re2.Options()
    if latin:
        options.encoding = re2.Options.Encoding.LATIN1
    options.log_errors = False
    options.max_mem = _MEMORY
    try:
        return re2.compile(text, options)
    except re2.error as error:
        reason = error.args[0] if error.args else ""
        shown = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise BadPattern(
            f"redaction {name}: cannot read the pattern: {shown}; RE2 syntax is expected"
        ) from error
