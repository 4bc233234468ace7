from __future__ import annotations

import pytest

from collectors.logs.logql.template import Scope, Template

LABELS = {"a": "one", "n": "5", "empty": ""}


def rendered(text: str) -> str:
    return Template(text).render(Scope(lambda name: LABELS.get(name, ""), "the line", 7))


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("plain", "plain"),
        ("{{.a}} and {{ .a }}", "one and one"),
        ("{{.none}}", ""),
        ("{{ .a | ToUpper | trunc 2 }}", "ON"),
        ("{{ ToUpper (trunc 2 .a) }}", "ON"),
        ('{{ printf "%s-%s" .a `x` }}', "one-x"),
        ("{{ __line__ | len }} {{__timestamp__}}", "8 7"),
        ("{{ add 1 2.5 -3 }}{{ true }}", "0true"),
        ("x {{- .a -}} y", "xoney"),
        ("x{{/* a comment */}}y", "xy"),
        ("{{if .a}}yes{{end}}{{if .empty}}no{{end}}", "yes"),
        ('{{if eq .a "two"}}2{{else if eq .a "one"}}1{{else}}?{{end}}', "1"),
        ("{{if .empty}}1{{else if .none}}2{{else}}3{{end}}!", "3!"),
        ("{{if .a}}{{if .empty}}x{{else}}y{{end}}{{end}}", "y"),
        ("{{ if and .a (not .empty) }}both{{ end }}", "both"),
        ("}} {", "}} {"),
    ],
)
def test_templates(text: str, result: str) -> None:
    assert rendered(text) == result


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{{", "missing"),
        ("{{.a", "unclosed action"),
        ("{{.a}", "unexpected '}'"),
        ("{{ frob .a }}", "function 'frob' is not understood"),
        ("{{ .a | frob }}", "function 'frob' is not understood"),
        ("{{ range .a }}{{ end }}", "action 'range' is not understood"),
        ("{{ with .a }}{{ end }}", "action 'with' is not understood"),
        ("{{ trunc .a }}", "wrong number of arguments for 'trunc'"),
        ("{{ if .a }}", "no {{end}}"),
        ("{{ end }}", "unexpected {{end}}"),
        ("{{ else }}", "unexpected {{else}}"),
        ("{{ if .a }}{{ else }}{{ else }}{{ end }}", "no {{end}}"),
        ("{{ (.a }}", "closing parenthesis"),
        ("{{ .a | .b }}", "only functions"),
        ("{{ $x := .a }}", "missing"),
        ('{{ "\\q" }}', "invalid escape"),
        ("{{ .a .b }}", "unexpected '.b }}'"),
        ("{{if .a}}" * 60, "nests deeper"),
        ("{{ add 9999999999999999999 }}", "too large"),
        ("{{" + "(" * 60, "nests deeper"),
    ],
)
def test_what_is_not_understood_is_named(text: str, reason: str) -> None:
    with pytest.raises(ValueError) as raised:
        Template(text)
    assert reason in str(raised.value)


def test_the_labels_that_a_template_looks_at() -> None:
    assert Template("{{.a}}{{if .b}}{{.c | ToUpper}}{{end}}").labels == {"a", "b", "c"}


def test_a_text_is_bounded() -> None:
    with pytest.raises(ValueError, match="longer than"):
        rendered('{{ repeat 262144 "x" }}{{ .a }}')
    with pytest.raises(ValueError, match="longer than"):
        rendered('{{ "x" ' + '| printf "%s%s" "x" | repeat 200 ' * 4 + "}}")


def test_what_fails_says_so() -> None:
    with pytest.raises(ValueError, match="division by zero"):
        rendered("{{ div 1 0 }}")
