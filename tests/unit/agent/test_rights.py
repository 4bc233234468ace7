"""Rights and the tokens that grant them."""

from __future__ import annotations

import hashlib
import os
import pathlib

import pytest

from agent.rights import Right, Tokens, TokensError

GOOD = "tokens:\n- name: g\n  token: 0123456789abcdef\n  rights: [metrics]\n"


def write(path: pathlib.Path, text: str) -> None:
    """Replace the file at once, as editors and mounted secrets do."""
    new = path.with_suffix(".new")
    new.write_text(text)
    os.rename(new, path)


def test_a_token_has_its_rights_and_no_other(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "t.yaml"
    digest = hashlib.sha256(b"another").hexdigest()
    write(file, GOOD + f"- {{name: h, sha256: {digest}, rights: [logs, control]}}\n")
    tokens = Tokens(str(file))
    assert tokens.rights_of("0123456789abcdef") == {Right.METRICS, Right.SCRAPE}
    assert tokens.rights_of("another") == {Right.LOGS, Right.CONTROL}
    assert tokens.rights_of("0123456789abcdeX") is None
    assert tokens.rights_of("") is None


def test_json_is_read_as_well(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "t.json"
    write(file, '{"tokens": [{"name": "g", "token": "0123456789abcdef", "rights": ["events"]}]}')
    assert Tokens(str(file)).rights_of("0123456789abcdef") == {Right.EVENTS}


def test_a_changed_file_is_read_again_and_a_bad_one_changes_nothing(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "t.yaml"
    write(file, GOOD)
    tokens = Tokens(str(file))
    write(file, GOOD.replace("0123456789abcdef", "fedcba9876543210"))
    assert tokens.rights_of("0123456789abcdef") is None
    assert tokens.rights_of("fedcba9876543210") == {Right.METRICS, Right.SCRAPE}
    write(file, "tokens: [")
    assert tokens.rights_of("fedcba9876543210") == {Right.METRICS, Right.SCRAPE}
    file.unlink()
    assert tokens.rights_of("fedcba9876543210") == {Right.METRICS, Right.SCRAPE}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("tokens: [{name: a, rights: [metrics]}]", "give either token"),
        ("tokens: [{name: a, token: short, rights: [metrics]}]", "token"),
        ("tokens: [{name: a, token: 0123456789abcdef, rights: [everything]}]", "rights"),
        ("tokns: []", "did you mean tokens?"),
    ],
)
def test_wrong_files_are_told(tmp_path: pathlib.Path, text: str, words: str) -> None:
    file = tmp_path / "t.yaml"
    write(file, text)
    with pytest.raises(TokensError, match=words.replace("?", r"\?")):
        Tokens(str(file))
