"""What a stack trace looks like, language by language: how one begins, and which lines go on with it.

A head alone is no trace: it is joined only with lines that look like the trace of its kind. Sources: the
documented output of each language's runtime.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

import re2

_LOOKED_AT = 2048
"""Bytes of a line that are looked at."""


def _compiled(pattern: bytes) -> re2._Regexp:
    options = re2.Options()
    options.log_errors = False
    options.never_capture = False
    return re2.compile(pattern, options)


class Kind(NamedTuple):
    """A kind of trace. `head` is a pattern of its first line. `follows(state, line)` gives the state behind a line
    that belongs to it, or None for one that does not; the state behind the head is `""`."""

    name: str
    head: bytes
    follows: Callable[[str, bytes], str | None]


_AT = re.compile(
    rb"[ \t]+at [^ ]|[ \t]*(?:Caused by|Suppressed): |[ \t]*\.\.\. \d+ (?:more|common frames)|[ \t]*--- End of"
    rb"|[ \t]+---> "
)


def _frames(state: str, line: bytes) -> str | None:
    """Java, Kotlin, Scala, Node, .NET: frames begin with `at`."""
    return "" if _AT.match(line) else None


_CHAINED = (b"During handling of the above exception", b"The above exception was the direct cause")


def _python(state: str, line: bytes) -> str | None:
    """Indented frames, then the exception's own line; a chain goes on behind an empty line."""
    if state == "":
        return "" if line[:1] in (b" ", b"\t") else "told"
    if not line.strip():
        return state
    if line.startswith(_CHAINED):
        return "chain"
    if state == "chain" and b"Traceback (most recent call last):" in line:
        return ""
    return None


def _python_group(state: str, line: bytes) -> str | None:
    """An exception group is indented to its end."""
    return "" if line[:3] in (b"  |", b"  +", b"   ") else None


_GO = re.compile(
    rb"$|goroutine \d+ |\t|created by |\[signal |exit status \d|panic: |\.\.\.additional frames|[\w./*()\-\[\]{}]+\(.*\)$"
    rb"|r\w+ +0x|runtime stack:|main\."
)


def _go(state: str, line: bytes) -> str | None:
    return "" if _GO.match(line) else None


_RUST = re.compile(rb"stack backtrace:|note: |[ \t]+\d+: |[ \t]+at [^ ]")


def _rust(state: str, line: bytes) -> str | None:
    """Since Rust 1.73 the panic's message is the line behind its place."""
    if _RUST.match(line):
        return "trace"
    return "message" if state == "" else None


_RUBY = re.compile(rb"[ \t]+(?:\d+: )?from ")


def _ruby(state: str, line: bytes) -> str | None:
    return "" if _RUBY.match(line) else None


_PHP = re.compile(rb"(?:PHP )?(?:Stack trace:|#\d+ |[ \t]+\d+\. |[ \t]*thrown in |Next )|  thrown in ")


def _php(state: str, line: bytes) -> str | None:
    return "" if _PHP.match(line) else None


_PEM = re.compile(rb"[ \t]*(?:[A-Za-z0-9+/=]{1,76}|[A-Za-z-]{1,40}: .{1,200}|)[ \t\r]*$")


def _pem(state: str, line: bytes) -> str | None:
    """A private key goes on to its END: it is joined so that it can be blacked out."""
    if state == "end":
        return None
    if b"-----END " in line:
        return "end"
    return "" if _PEM.match(line) else None


KINDS: tuple[Kind, ...] = (
    Kind("private_key", rb"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----\s*$", _pem),
    Kind("python_group", rb"Exception Group Traceback \(most recent call last\):", _python_group),
    Kind("python", rb"Traceback \(most recent call last\):", _python),
    Kind("go", rb"^(?:panic: |fatal error: |goroutine \d+ \[)", _go),
    Kind("rust", rb"^thread '[^']{0,200}'.{0,40} panicked at ", _rust),
    Kind("ruby", rb"^[^ ]{1,300}\.rb:\d+:in .{1,500}\([A-Z][\w:]*\)", _ruby),
    Kind(
        "php",
        rb"PHP (?:Fatal|Parse|Recoverable|Catchable)[a-z ]*:|(?:Uncaught [\w\\]+(?:Error|Exception))",
        _php,
    ),
    Kind("frames", rb"(?:Exception|Error|Throwable)(?:$|[:\s(\[]| \(|<)", _frames),
)
FOLLOWS = {kind.name: kind.follows for kind in KINDS}
_HEADS = [(kind.name, _compiled(kind.head)) for kind in KINDS]

# A chunk without any of these holds neither head nor trace, however its lines are escaped.
HINT = _compiled(
    rb"Exception|Error|Throwable|Traceback|panic: |fatal error: |goroutine \d|panicked at |\.rb:\d+:in |PHP [FPRC]|PRIVATE KEY"
)


def kind_of(line: bytes) -> str | None:
    """The kind of trace that a line may be the head of; None for most lines. JSON is never one."""
    line = line[:_LOOKED_AT]
    if line[:1] == b"{" or not HINT.search(line):
        return None
    for name, head in _HEADS:
        if head.search(line):
            return name
    return None


def follows(kind: str, state: str, line: bytes) -> str | None:
    """The state behind a line that goes on with a trace of this kind; None for a line that does not."""
    return FOLLOWS[kind](state, line[:_LOOKED_AT])
