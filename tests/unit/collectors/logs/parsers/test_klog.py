from __future__ import annotations

from typing import Any

import pytest

from collectors.logs.parsers.klog import read

LINES: list[tuple[str, str, dict[str, Any]]] = [
    (
        "I1124 02:16:17.123456       1 server.go:10] hello world",
        "info",
        {
            "time": "1124 02:16:17.123456",
            "thread": 1,
            "file": "server.go",
            "line": 10,
            "message": "hello world",
        },
    ),
    (
        'E1124 02:16:17.123456   12345 kubelet.go:2466] "Error \\"getting\\" node" err="node \\"x\\" not found" n=3',
        "error",
        {
            "time": "1124 02:16:17.123456",
            "thread": 12345,
            "file": "kubelet.go",
            "line": 2466,
            "message": 'Error "getting" node',
            "err": 'node "x" not found',
            "n": 3,
        },
    ),
    (
        "W20261124 02:16:17.123456 7 dir/a.cc:1] x\nsecond",
        "warn",
        {
            "time": "20261124 02:16:17.123456",
            "thread": 7,
            "file": "dir/a.cc",
            "line": 1,
            "message": "x\nsecond",
        },
    ),
    (
        'F1124 02:16:17 7 a.go:1] "quoted" and then words',
        "fatal",
        {
            "time": "1124 02:16:17",
            "thread": 7,
            "file": "a.go",
            "line": 1,
            "message": '"quoted" and then words',
        },
    ),
    (
        'I1124 02:16:17.1 7 a.go:1] "hi" line=5 file="x"',
        "info",
        {"time": "1124 02:16:17.1", "thread": 7, "file": "a.go", "line": 1, "message": "hi"},
    ),
]


@pytest.mark.parametrize(("text", "level", "fields"), LINES)
def test_the_head_and_the_pairs_are_fields(text: str, level: str, fields: dict[str, Any]) -> None:
    found = read(text)
    assert found is not None
    assert (found.level, found.fields) == (level, fields)


@pytest.mark.parametrize(
    "text", ["", "I1124", "I am 1124 02:16:17", "X1124 02:16:17.1 7 a.go:1] x", "I1124 02:16:17.1 x"]
)
def test_another_head_is_refused(text: str) -> None:
    assert read(text) is None
