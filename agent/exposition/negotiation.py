"""Which exposition format and which coding a scraper is answered with, by its Accept headers."""

from __future__ import annotations

from collections.abc import Iterator

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"

_LONGEST = 4096  # characters of a header that are looked at


def negotiate(accept: str) -> tuple[str, bool]:
    """Content type to answer an Accept header with, and whether that is OpenMetrics.

    OpenMetrics is for those who name it in version 1.0.0 (or in no version) with no smaller weight than the
    text format; everybody else reads text 0.0.4. Parameters such as `escaping` change nothing: all names
    here are plain ones.
    """
    openmetrics = text = 0.0
    for kind, parameters, weight in _choices(accept):
        if kind == "application/openmetrics-text":
            if parameters.get("version", "1.0.0") == "1.0.0":
                openmetrics = max(openmetrics, weight)
        elif kind == "text/plain" and parameters.get("version", "0.0.4") == "0.0.4":
            text = max(text, weight)
    return (OPENMETRICS, True) if openmetrics > 0 and openmetrics >= text else (TEXT, False)


def accepts_gzip(accept_encoding: str) -> bool:
    """Whether an Accept-Encoding header allows gzip: by name, else by `*`, with a weight above 0."""
    weights = {coding: weight for coding, _, weight in _choices(accept_encoding)}
    return weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0))) > 0


def _choices(header: str) -> Iterator[tuple[str, dict[str, str], float]]:
    """Elements of an Accept-like header: name, parameters, weight; a weight that is no number counts as 0."""
    for element in header[:_LONGEST].lower().split(","):
        name, *rest = (part.strip() for part in element.split(";"))
        parameters = {
            key.strip(): value.strip(' "') for key, _, value in (part.partition("=") for part in rest)
        }
        if name:
            yield name, parameters, _weight(parameters.get("q", "1"))


def _weight(text: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        return 0.0
    return weight if 0 <= weight <= 1 else 0.0
