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
        self._builtin = builtin
        self._own = own
        self._suspects = _pattern("suspects", SUSPECTS, latin=True) if builtin else None
        self._fail_closed = redaction is not None and redaction.fail_closed
        self.marks = frozenset(one.mark for one in builtin + own)

    def redact(self, message: bytes) -> bytes | None:
        """The message as anybody may see it; None when it is withheld."""
        return self.redact_many([message])[0]

    def redact_many(self, messages: Sequence[bytes]) -> Sequence[bytes | None]:
        """Each message as anybody may see it, None for one withheld; the same object when all of them are clean."""
        suspects = range(len(messages)) if self._own else self._suspected(messages)
        redacted: list[bytes | None] | None = None
        for index in suspects:
            message = messages[index]
            found = self._redacted(message)
            if found is not message:
                if redacted is None:
                    redacted = list(messages)
                redacted[index] = found
        return messages if redacted is None else redacted

    def _suspected(self, messages: Sequence[bytes]) -> list[int]:
        """The numbers of the messages that may hold something: one search over all of them."""
        if self._suspects is None:
            return []
        joined = b"\n".join(messages)
        hit = self._suspects.search(joined)
        if hit is None:
            return []
        ends = list(itertools.accumulate(len(message) + 1 for message in messages))
        found: list[int] = []
        while hit is not None:
            # The character before may be the end of the message before.
            first = bisect.bisect_right(ends, hit.start())
            last = min(bisect.bisect_right(ends, max(hit.start(), hit.end() - 1)), len(messages) - 1)
            found += range(first if not found or first > found[-1] else found[-1] + 1, last + 1)
            if last + 1 >= len(messages):
                break
            # From the newline on, which a pattern may need before it.
            hit = self._suspects.search(joined, ends[last] - 1)
        return found

    def _redacted(self, message: bytes) -> bytes | None:
        try:
            for one in self._builtin:
                message = self._applied(one, message)
            for one in self._own:
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
        if end <= start or any(
            message.find(mark, max(0, end - len(mark)), start + len(mark)) >= 0 for mark in self.marks
        ):
            return False
        return rule.is_one(message, start, end)


def check(redaction: Redaction) -> list[str]:
    """What is wrong with a redaction's own patterns, one text each; empty when it can be used."""
    found: list[str] = []
    for name, pattern in redaction.patterns:
        if not 0 < len(name) <= _LONGEST_NAME or _UNUSUAL.search(name):
            found.append(f"redaction {name!r}: give it a name of 1 to {_LONGEST_NAME} of A-Z a-z 0-9 _ . -")
        try:
            _own(name, pattern)
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
