"""Records as syslog messages of RFC 5424."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from collectors.logs.batch import Record
from collectors.logs.loki_labels import cut
from collectors.logs.record import LogTarget
from collectors.logs.times import render

FACILITIES = {
    "kern": 0, "user": 1, "mail": 2, "daemon": 3, "auth": 4, "syslog": 5, "lpr": 6, "news": 7, "uucp": 8, "cron": 9,
    "authpriv": 10, "ftp": 11, "local0": 16, "local1": 17, "local2": 18, "local3": 19, "local4": 20, "local5": 21,
    "local6": 22, "local7": 23,
}  # fmt: skip
_SEVERITIES = {"fatal": 2, "error": 3, "warn": 4, "info": 6, "debug": 7, "trace": 7}
_NO_LEVEL = 6
_BOM = b"\xef\xbb\xbf"
_MAX_APP_NAME = 48
_MAX_HOSTNAME = 255
_MAX_NAME = 32
_MAX_VALUE = 1024
_SHORT = 64  # as identifiers of traces are: nothing to escape or cut in them
_ABOUT = ("id", "engine_id", "name", "image", "engine", "namespace", "pod", "container", "workload")
_NOT_PRINTABLE = re.compile(r"[^!-~]+")
_NOT_NAME = re.compile(r"[^A-Za-z0-9_.\-]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_SPECIAL = re.compile(r'(["\\\]])')
_ESCAPED = r"\\\1"


class Messages:
    """Makes the messages of one container; what many records have in common is rendered once."""

    def __init__(
        self,
        target: LogTarget,
        node: str,
        external: Mapping[str, str],
        facility: int,
        element: str,
        most: int,
    ) -> None:
        about = target.container
        app = word(about.get("container") or about.get("name"), _MAX_APP_NAME)
        self._origin = f"{word(node, _MAX_HOSTNAME)} {app}"
        self._element = f"[{element}{''.join(_params(about, external))}"
        self._facility = facility
        self._most = most
        self._frames: dict[tuple[str, str | None, int | None], tuple[str, str]] = {}

    def message(self, record: Record) -> bytes:
        """One message, without the count before it. Times have microseconds: the format allows no more digits."""
        key = (record.stream, record.level, record.run)
        frame = self._frames.get(key)
        if frame is None:
            frame = self._frames[key] = self._frame(*key)
        head, tail = frame
        text = record.message.encode("utf-8", "replace")
        more = f' uid="{record.uid}"'
        if record.trace_id:
            more += param("trace_id", record.trace_id)
        if record.span_id:
            more += param("span_id", record.span_id)
        if len(text) > self._most:
            text = text[: self._most].decode("utf-8", "ignore").encode()
            more += ' cut="true"'
        mark = b"" if text.isascii() else _BOM
        return f"{head}{render(record.time)[:26]}Z {tail}{more}] ".encode("utf-8", "replace") + mark + text

    def _frame(self, stream: str, level: str | None, run: int | None) -> tuple[str, str]:
        severity = _SEVERITIES.get(level or "", _NO_LEVEL)
        process = "-" if run is None else str(run)
        about = f' stream="{stream}"' + (param("level", level) if level else "")
        return (
            f"<{8 * self._facility + severity}>1 ",
            f"{self._origin} {process} {word(stream, _MAX_NAME)} {self._element}{about}",
        )


def word(text: object, most: int) -> str:
    """A text as a field of the header: printable ASCII without blanks, `-` when there is nothing."""
    return _NOT_PRINTABLE.sub("_", str(text or ""))[:most] or "-"


def param(name: str, value: str) -> str:
    """One parameter of structured data, with the blank before it (section 6.3.3)."""
    if len(value) <= _SHORT and value.isascii() and value.isalnum():
        return f' {name}="{value}"'
    clean = _CONTROL.sub("\ufffd", cut(value, _MAX_VALUE))
    return f' {name}="{_SPECIAL.sub(_ESCAPED, clean)}"'


def _params(about: Mapping[str, object], external: Mapping[str, str]) -> Iterator[str]:
    for name in _ABOUT:
        if value := about.get(name):
            yield param(name, str(value))
    taken = {*_ABOUT, "stream", "level", "uid", "trace_id", "span_id", "cut"}
    for label, text in sorted(external.items()):
        name = _NOT_NAME.sub("_", label)[:_MAX_NAME]
        if name and text and name not in taken:
            taken.add(name)
            yield param(name, text)
