"""Scrapers get the format they ask for; everybody else text."""

from __future__ import annotations

import pytest

from agent.exposition.negotiation import OPENMETRICS, TEXT, accepts_gzip, negotiate

PROMETHEUS_2 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
    "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,"
    "text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
)


@pytest.mark.parametrize(
    ("accept", "openmetrics"),
    [
        (PROMETHEUS_2, True),
        (PROMETHEUS_3, True),
        ("application/openmetrics-text", True),
        ('Application/OpenMetrics-Text; Version="1.0.0"', True),
        ("text/plain;version=0.0.4;q=0.5, application/openmetrics-text;version=1.0.0;q=0.5", True),
        ("text/plain;version=0.0.4;q=0.9, application/openmetrics-text;version=1.0.0;q=0.5", False),
        ("application/openmetrics-text;version=0.0.1", False),
        ("application/openmetrics-text;q=0", False),
        ("application/openmetrics-text;q=high", False),
        ("application/openmetrics-text;q=nan", False),
        ("*/*", False),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", False),
        ("", False),
        (";;,,=;q", False),
    ],
)
def test_format(accept: str, openmetrics: bool) -> None:
    assert negotiate(accept) == ((OPENMETRICS, True) if openmetrics else (TEXT, False))


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("gzip", True),
        ("deflate, GZIP;q=0.5", True),
        ("*", True),
        ("gzip;q=0, *", False),
        ("identity", False),
        ("br;q=1.0, *;q=0", False),
        ("", False),
    ],
)
def test_gzip(header: str, expected: bool) -> None:
    assert accepts_gzip(header) is expected
