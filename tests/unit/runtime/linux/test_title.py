"""The command line as the kernel shows it to others."""

from __future__ import annotations

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[4]
SAY = "import sys; sys.path.insert(0, sys.argv[1]); from runtime.linux import title; "
SHOW = "print(open('/proc/self/cmdline', 'rb').read())"


def shown(code: str) -> str:
    """What a process with this code sees of its own command line."""
    arguments = [sys.executable, "-I", "-S", "-c", SAY + code + SHOW, str(ROOT), "a-secret"]
    return subprocess.run(arguments, capture_output=True, text=True, check=True).stdout.strip()


def test_the_whole_command_line_is_replaced() -> None:
    assert (
        shown("title.find(); title.set_title('deckwatch-monitor', 'web-1'); ")
        == r"b'deckwatch-monitor web-1\x00'"
    )


def test_a_child_keeps_the_subject() -> None:
    code = "title.find(); title.set_title('deckwatch-monitor', 'web-1'); title.set_title('deckwatch-init'); "
    assert shown(code) == r"b'deckwatch-init web-1\x00'"


def test_a_long_title_is_cut() -> None:
    text = shown("title.find(); title.set_title('x' * 100000); ")
    assert set(text) == set(r"b'x\x00") and 100 < len(text) < 1000
    assert "a-secret" not in text


def test_without_knowledge_of_the_place_nothing_is_touched() -> None:
    assert "a-secret" in shown("title.set_title('x'); ")
