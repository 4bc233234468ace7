"""One log line on its way through a query's stages, with its labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

ERROR = "__error__"
DETAILS = "__error_details__"
EXTRACTED = "_extracted"
_OWN = frozenset((ERROR, DETAILS))
_SHORT = 128


class Entry(NamedTuple):
    """What a query reads: time in ns, the stream's labels, structured metadata, the line, its size in bytes.

    Entries of one stream best share one `labels` mapping; neither mapping is ever changed.
    """

    time: int
    labels: Mapping[str, str]
    metadata: Mapping[str, str]
    line: str
    size: int


class Line:
    """A line under way. A label that a stage sets or takes away hides the one of the stream or the metadata."""

    __slots__ = ("details", "error", "gone", "metadata", "parsed", "stream", "text", "time", "wanted")

    def __init__(self, entry: Entry, wanted: frozenset[str] | None = None) -> None:
        self.time, self.stream, self.metadata, self.text, _ = entry
        self.parsed: dict[str, str] = {}
        self.gone: set[str] = set()
        self.error = ""
        self.details = ""
        self.wanted = wanted

    def get(self, name: str) -> str:
        """A label's value, '' when it is absent."""
        return self.find(name) or ""

    def find(self, name: str) -> str | None:
        """A label's value, None when it is absent."""
        value = self.parsed.get(name)
        if value is None and name not in self.gone:
            value = self.metadata.get(name)
            if value is None:
                value = self.stream.get(name)
        if value is None and name in (ERROR, DETAILS):
            return (self.error if name == ERROR else self.details) or None
        return value

    def extract(self, name: str, value: str) -> None:
        """Set a label that a parser found; one that the entry has already gets `_extracted` behind its name."""
        if name in self.stream or name in self.metadata or name in _OWN:
            name += EXTRACTED
        if self.wanted is None or name in self.wanted:
            self.parsed[name] = value

    def assign(self, name: str, value: str) -> None:
        """Set a label, whatever there was."""
        self.parsed[name] = value
        if name in self.stream or name in self.metadata:
            self.gone.add(name)

    def remove(self, name: str) -> None:
        """Take a label away."""
        self.parsed.pop(name, None)
        if name in self.stream or name in self.metadata:
            self.gone.add(name)

    def fail(self, error: str, details: str) -> None:
        """Note what went wrong; a later error replaces an earlier one."""
        self.error, self.details = error, details[:1000]

    def names(self) -> set[str]:
        """The names of all labels."""
        return {*self.stream, *self.metadata} - self.gone | set(self.parsed)

    def labels(self, without: Iterable[str] = ()) -> dict[str, str]:
        """All labels in one, the error's too."""
        merged = {**self.stream, **self.metadata}
        for name in self.gone:
            merged.pop(name, None)
        merged.update(self.parsed)
        for name in without:
            merged.pop(name, None)
        if self.error:
            merged[ERROR] = self.error
            merged[DETAILS] = self.details
        return merged


def label_name(key: str) -> str:
    """A key as a label's name: other characters than letters, digits and `_` become `_`."""
    return _short_name(key) if len(key) <= _SHORT else _name(key)


@lru_cache(maxsize=4096)
def _short_name(key: str) -> str:
    return _name(key)


def _name(key: str) -> str:
    key = key.strip()
    name = "".join(char if char == "_" or (char.isascii() and char.isalnum()) else "_" for char in key)
    return f"_{name}" if name[:1].isdigit() else name


def clean(value: str) -> str:
    """A value without the marks of broken characters."""
    return value.replace("\ufffd", " ") if "\ufffd" in value else value
