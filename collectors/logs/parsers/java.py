"""Java: Logback, Log4j, Spring Boot, JBoss, Elasticsearch and java.util.logging, as their default patterns print.

Of a message with a stack trace, `message` is what stands before it and `exception` the class that was thrown.
"""

from __future__ import annotations

import re
from typing import Any

from collectors.logs.levels import level_in_text, normalised
from collectors.logs.parsers.understood import Found

NAME = "java"
_TIME = (
    r"\[?(?P<time>(?:\d{4}-\d\d-\d\d[T ]|\d\d/\d\d/\d\d |\d\d-[A-Z][a-z][a-z]-\d{4} )?\d\d:\d\d:\d\d(?:[.,]\d{1,9})?"
    r"(?:Z| ?[+-]\d\d:?\d\d)?)\]?"
)
_LEVEL = (
    r"(?P<level>TRACE|DEBUG|INFO|WARN(?:ING)?|ERROR|FATAL|SEVERE|CONFIG|FINE(?:R|ST)?|CRITICAL|"
    r"trace|debug|info|warn|error|fatal)"
)
_THREAD = r"\[(?P<thread>[^\]\n]{0,256})\]"
_LOGGER = r"(?P<logger>[\w.$/\[\]-]{1,256})"
_MESSAGE = r"(?P<message>.*)"
_FORMS = tuple(
    re.compile(form, re.A | re.DOTALL)
    for form in (
        # Spring Boot: TIME  INFO [app,trace,span] 1 --- [app] [  main] c.e.Logger   : text
        rf"{_TIME} +{_LEVEL} +(?:\[(?P<app>[^\]\n]{{0,256}})\] +)?(?P<pid>\d{{1,10}}) --- (?:\[[^\]\n]{{0,256}}\] )??"
        rf"{_THREAD} (?:\[(?P<ids>[^\]\n]{{0,256}})\] ?)?{_LOGGER} *: {_MESSAGE}",
        # Logback: TIME [main] INFO  com.example.Logger - text
        rf"{_TIME} +{_THREAD}(?: -)? +{_LEVEL} +{_LOGGER}(?::\d{{1,9}})? *(?:-|:) {_MESSAGE}",
        # Elasticsearch: [TIME][INFO ][o.e.n.Node ] [node] text
        rf"{_TIME}\[{_LEVEL} *\]\[{_LOGGER} *\] ?{_MESSAGE}",
        # Quarkus, JBoss: TIME INFO  [io.example.Logger] (main) text
        rf"{_TIME} +{_LEVEL} +\[(?P<logger>[^\]\n]{{1,256}})\] \((?P<thread>[^)\n]{{0,256}})\) {_MESSAGE}",
        # Log4j: TIME INFO  [main] com.example.Logger: text, TIME - INFO  [main:Logger@10] - text
        rf"{_TIME} +(?:\[[^\]\n]{{0,64}}\] +)?(?:- )?{_LEVEL} +{_THREAD} *(?:{_LOGGER} *)??(?: ?-|:) {_MESSAGE}",
        # Spark, Hadoop: TIME INFO Logger: text
        rf"{_TIME} +{_LEVEL} +{_LOGGER}(?::| -) {_MESSAGE}",
        # Tomcat: TIME INFO [main] org.example.Class.method text
        rf"{_TIME} +{_LEVEL} +{_THREAD} (?P<logger>[a-z]\w{{0,63}}(?:\.[\w$]{{1,128}}){{2,16}}) {_MESSAGE}",
        # Kafka: [TIME] INFO text (kafka.server.Logger)
        rf"{_TIME} +{_LEVEL} +{_MESSAGE}",
        # java.util.logging: Nov 24, 2026 2:16:17 AM com.example.Logger method, newline, INFO: text
        rf"(?P<time>[A-Z][a-z][a-z] \d{{1,2}}, \d{{4}},? \d{{1,2}}:\d\d:\d\d\s[AP]M) {_LOGGER}(?: (?P<method>[\w<>$]{{1,256}}))?"
        rf"\n{_LEVEL}: {_MESSAGE}",
    )
)
_BEHIND = re.compile(r" \((?P<logger>[\w.$]{1,256})\)\Z", re.A)
_IDS = re.compile(r"(?:\A|,|\[)([0-9a-f]{32}|[0-9a-f]{16})[-,]([0-9a-f]{16})(?:\Z|,|\])")
_STACK = re.compile(
    r"""(?:\A|\n|\AException in thread "[^"\n]{0,256}" )(?P<exception>(?:[a-z][\w$]{0,63}\.){1,16}[A-Z][\w$]{0,127})"""
    r"(?::[^\n]*)?(?:\n[^\n]*){0,8}?\n\s{1,8}at ",
    re.A,
)
_LOOK = 32 * 1024


def read(text: str) -> Found | None:
    """The parts of a line; None when no form fits."""
    for form in _FORMS:
        if found := form.fullmatch(text):
            return _found(found.groupdict())
    thrown = _thrown(text)
    return Found(thrown, level_in_text(text)) if thrown else None


def _found(parts: dict[str, Any]) -> Found:
    ids = _IDS.search(parts.pop("ids", None) or "") or _IDS.search(parts.get("app") or "")
    fields = {name: value.strip() for name, value in parts.items() if value and value.strip()}
    if "pid" in fields:
        fields["pid"] = int(fields["pid"])
    if ids:
        fields["trace_id"], fields["span_id"] = ids.groups()
    if "app" in fields:
        fields["app"] = fields["app"].partition(",")[0]
    message = fields.get("message", "")
    if "logger" not in fields and (behind := _BEHIND.search(message[-300:])):
        fields["logger"] = behind["logger"]
        fields["message"] = message[: -len(behind[0])]
    fields |= _thrown(message)
    return Found(fields, _LEVELS.get(fields["level"]) or normalised(fields["level"]))


_LEVELS = {"CONFIG": "info", "FINER": "trace"}


def _thrown(message: str) -> dict[str, Any]:
    """What stands before a stack trace, and what was thrown; empty when there is none."""
    if "\n" not in message:
        return {}
    found = _STACK.search(message, 0, _LOOK)
    if found is None:
        return {}
    before = message[: found.start()]
    return (
        {"message": before, "exception": found["exception"]} if before else {"exception": found["exception"]}
    )
