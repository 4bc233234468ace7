"""Messages keep to the grammar of RFC 5424 whatever a container prints or is called."""

from __future__ import annotations

import re
from typing import Any

import pytest

from agent.shipping.syslog_message import Messages, param, word
from tests.unit.agent.shipping.sinks import pod_target, record

_VALUE = r'"(?:[^"\\\]\x00-\x1f]|\\["\\\]])*"'
_NAME = r'[^= \]"\x00-\x20\x7f-\U0010ffff]{1,32}'
_GRAMMAR = re.compile(
    rf"<\d{{1,3}}>1 \d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{{6}}Z [!-~]{{1,255}} [!-~]{{1,48}} [!-~]{{1,128}} [!-~]{{1,32}} "
    rf"\[{_NAME}(?: {_NAME}={_VALUE})*\] (?P<text>.*)",
    re.DOTALL,
)


def message(made: Any, *, most: int = 1 << 20, node: str = "node", external: dict[str, str] | None = None, **about: Any) -> bytes:  # fmt: skip
    target = pod_target(**about)
    return Messages(target, node, external or {}, 3, "deckwatch@32473", most).message(made)


@pytest.mark.parametrize("name", ["web", 'a"] b', "x\n<1>1 forged", "é" * 300, "\\", "\ud800", "]" * 2000])
def test_hostile_names_stay_in_their_place(name: str) -> None:
    made = message(
        record("text", trace_id=name, level=name),
        node=name,
        container=name,
        name=name,
        external={name: name, "uid": "stolen"},
    )
    found = _GRAMMAR.fullmatch(made.decode())
    assert found
    assert found["text"] == "text"
    assert "stolen" not in made.decode()


@pytest.mark.parametrize(
    ("level", "severity"),
    [("fatal", 2), ("error", 3), ("warn", 4), ("info", 6), ("debug", 7), ("trace", 7), (None, 6)],
)
def test_the_severity_is_the_levels(level: str | None, severity: int) -> None:
    assert message(record("x", level=level)).startswith(b"<%d>1 " % (3 * 8 + severity))


def test_only_text_beyond_ascii_is_marked_as_utf_8() -> None:
    assert message(record("plain")).endswith(b"] plain")
    assert message(record("\u00e9")).endswith(b"] \xef\xbb\xbf\xc3\xa9")


def test_a_long_text_is_cut_between_characters_and_says_so() -> None:
    made = message(record("é" * 2000), most=2049)
    assert made.endswith(b'cut="true"] \xef\xbb\xbf' + "é".encode() * 1024)
    assert b"cut=" not in message(record("x" * 2049), most=2049)


def test_words_and_parameters() -> None:
    assert word("", 5) == word(None, 5) == "-"
    assert word("a b\tc", 48) == "a_b_c"
    assert param("a", 'x"y\\z]\n') == ' a="x\\"y\\\\z\\]\ufffd"'
