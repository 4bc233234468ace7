"""How the commands print."""

from __future__ import annotations

import io

import pytest

from agent.cli import format


def test_tables_are_in_line() -> None:
    assert (
        format.table(("A", "LONG"), [("xyz", "1"), ("\x1b[2J", "2")])
        == "A        LONG\nxyz      1\n\\x1b[2J  2"
    )


def test_text_of_containers_is_harmless() -> None:
    assert format.harmless("a\tb \x1b[1;31mred\x1b[0m \x07\x9b") == "a\tb \x1b[1;31mred\x1b[0m \\x07\\x9b"


def test_colours_are_stable_and_only_for_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.delenv("NO_COLOR", raising=False)
    assert format.wants_colour(Terminal()) is True
    assert format.wants_colour(io.StringIO()) is False
    monkeypatch.setenv("NO_COLOR", "1")
    assert format.wants_colour(Terminal()) is False
    assert format.colour_of("web") == format.colour_of("web")
    assert len({format.colour_of(f"c{n}") for n in range(100)}) > 5
    assert format.coloured("x", 31) == "\x1b[31mx\x1b[0m"
