from __future__ import annotations

from typing import Any

import pytest

from collectors.logs.parsers.java import read

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
LINES: list[tuple[str, str | None, dict[str, Any]]] = [
    (
        "02:16:17.123 [main] INFO  com.example.Bar - started",
        "info",
        {"time": "02:16:17.123", "thread": "main", "level": "INFO", "logger": "com.example.Bar", "message": "started"},
    ),
    (
        "2026-11-24 02:16:17.123  INFO 1 --- [  restartedMain] c.e.demo.App   : Started App: 2 s",
        "info",
        {"time": "2026-11-24 02:16:17.123", "level": "INFO", "pid": 1, "thread": "restartedMain",
         "logger": "c.e.demo.App", "message": "Started App: 2 s"},
    ),
    (
        f"2026-11-24T02:16:17.123Z  WARN 1 --- [shop] [nio-8080-exec-1] [{TRACE}-{SPAN}] c.e.Shop : slow",
        "warn",
        {"time": "2026-11-24T02:16:17.123Z", "level": "WARN", "pid": 1, "thread": "nio-8080-exec-1",
         "logger": "c.e.Shop", "message": "slow", "trace_id": TRACE, "span_id": SPAN},
    ),
    (
        f"2026-11-24 02:16:17.123 DEBUG [shop,{TRACE[:16]},{SPAN}] 1 --- [main] c.e.Shop : x",
        "debug",
        {"time": "2026-11-24 02:16:17.123", "level": "DEBUG", "app": "shop", "pid": 1, "thread": "main",
         "logger": "c.e.Shop", "message": "x", "trace_id": TRACE[:16], "span_id": SPAN},
    ),
    (
        "2026-11-24 02:16:17,123 [main] ERROR com.example.Bar:12 - it broke\n"
        "java.lang.IllegalStateException: no\n\tat com.example.Bar.x(Bar.java:3)\nCaused by: java.io.IOException",
        "error",
        {"time": "2026-11-24 02:16:17,123", "thread": "main", "level": "ERROR", "logger": "com.example.Bar",
         "message": "it broke", "exception": "java.lang.IllegalStateException"},
    ),
    (
        "2026-11-24 02:16:17,123 [myid:1] - INFO  [main:QuorumPeerConfig@136] - Reading",
        "info",
        {"time": "2026-11-24 02:16:17,123", "level": "INFO", "thread": "main:QuorumPeerConfig@136",
         "message": "Reading"},
    ),
    (
        "[2026-11-24 02:16:17,123] INFO [Broker id=1] started (kafka.server.KafkaServer)",
        "info",
        {"time": "2026-11-24 02:16:17,123", "level": "INFO", "message": "[Broker id=1] started",
         "logger": "kafka.server.KafkaServer"},
    ),
    (
        "[2026-11-24T02:16:17,123][WARN ][o.e.n.Node               ] [node-1] starting",
        "warn",
        {"time": "2026-11-24T02:16:17,123", "level": "WARN", "logger": "o.e.n.Node", "message": "[node-1] starting"},
    ),
    (
        "02:16:17,123 SEVERE [org.jboss.as] (MSC service thread 1-1) WFLYSRV0049: x",
        "error",
        {"time": "02:16:17,123", "level": "SEVERE", "logger": "org.jboss.as", "thread": "MSC service thread 1-1",
         "message": "WFLYSRV0049: x"},
    ),
    (
        "2026-11-24 02:16:17,123 TRACE [main] com.example.Bar: x",
        "trace",
        {"time": "2026-11-24 02:16:17,123", "level": "TRACE", "thread": "main", "logger": "com.example.Bar",
         "message": "x"},
    ),
    (
        "26/11/24 02:16:17 INFO SparkContext: Running",
        "info",
        {"time": "26/11/24 02:16:17", "level": "INFO", "logger": "SparkContext", "message": "Running"},
    ),
    (
        "24-Nov-2026 02:16:17.123 FINER [main] org.apache.catalina.startup.Catalina.start Server startup",
        "trace",
        {"time": "24-Nov-2026 02:16:17.123", "level": "FINER", "thread": "main",
         "logger": "org.apache.catalina.startup.Catalina.start", "message": "Server startup"},
    ),
    (
        "Nov 24, 2026 2:16:17 AM org.apache.catalina.core.StandardService startInternal\nCONFIG: Starting",
        "info",
        {"time": "Nov 24, 2026 2:16:17 AM", "logger": "org.apache.catalina.core.StandardService",
         "method": "startInternal", "level": "CONFIG", "message": "Starting"},
    ),
    (
        'Exception in thread "main" java.lang.NullPointerException\n\tat a.B.c(B.java:1)',
        None,
        {"exception": "java.lang.NullPointerException"},
    ),
    (
        "starting\ncom.example.OddException: two\nlines\n\tat a.B.c(B.java:1)",
        None,
        {"message": "starting", "exception": "com.example.OddException"},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "level", "fields"), LINES)
def test_the_default_patterns_of_java(text: str, level: str | None, fields: dict[str, Any]) -> None:
    found = read(text)
    assert found is not None
    assert (found.level, found.fields) == (level, fields)


@pytest.mark.parametrize(
    "text", ["", "hello", "02:16:17 hello", "OpenJDK 64-Bit Server VM warning: x", "a\nb\n\tat home"]
)
def test_any_other_line_is_refused(text: str) -> None:
    assert read(text) is None
