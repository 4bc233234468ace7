"""YAML text as a tree that knows the file and line of every key and value.

Scalars follow YAML 1.2 (`true`, not `yes`; no times, no base 60), so that `22:22` and `on` stay text.
`${NAME}` and `${NAME:-default}` expand in every scalar, `$${` writes a literal `${`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import yaml

MAX_BYTES = 4 << 20
MAX_NODES = 200_000
_VARIABLE = re.compile(r"\$(\$\{|\{([^}:]*)(?::-([^}]*))?\})")
_INTEGER = re.compile(r"[-+]?[0-9]+|0x[0-9a-fA-F]+|0o[0-7]+")
_FLOAT = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)

Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in the configuration: where, what, and the nearest right key when there is one."""

    file: str
    line: int
    key: str
    message: str
    nearest: str = ""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}: " if self.line else f"{self.file}: " if self.file else ""
        key = f"{self.key}: " if self.key else ""
        nearest = f"; did you mean {self.nearest}?" if self.nearest else ""
        return f"{where}{key}{self.message}{nearest}"


@dataclass(slots=True)
class Tree:
    """A value and where it stands. A scalar keeps its `text` as written, for fields that want text.

    `broken` marks a value whose problem is already reported.
    """

    value: dict[str, Tree] | list[Tree] | Scalar
    file: str
    line: int
    text: str = ""
    broken: bool = False
    key_lines: dict[str, int] = field(default_factory=dict)

    def plain(self) -> object:
        """The value as ordinary dicts, lists and scalars."""
        if isinstance(self.value, dict):
            return {key: item.plain() for key, item in self.value.items()}
        if isinstance(self.value, list):
            return [item.plain() for item in self.value]
        return self.value

    def problem(self, key: str, message: str, nearest: str = "") -> Problem:
        """A problem with this value."""
        return Problem(self.file, self.line, key, message, nearest)


class Reader:
    """Reads YAML into a Tree and collects what is wrong in `problems`."""

    def __init__(self, environment: Mapping[str, str], problems: list[Problem]) -> None:
        self._environment = environment
        self.problems = problems
        self._nodes = 0

    def read_file(self, path: str) -> Tree | None:
        """The tree of a file; None when it is empty or cannot be read (then `problems` says why)."""
        try:
            with open(path, "rb") as stream:
                data = stream.read(MAX_BYTES + 1)
        except OSError as error:
            self.problems.append(Problem(path, 0, "", f"cannot be read: {error.strerror}"))
            return None
        if len(data) > MAX_BYTES:
            self.problems.append(Problem(path, 0, "", f"is larger than {MAX_BYTES >> 20} MiB"))
            return None
        try:
            return self.read_text(data.decode("utf-8-sig"), path)
        except UnicodeDecodeError as error:
            self.problems.append(
                Problem(path, data.count(b"\n", 0, error.start) + 1, "", "is not UTF-8 text")
            )
            return None

    def read_text(self, text: str, file: str) -> Tree | None:
        """The tree of one YAML document."""
        try:
            node = yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.YAMLError as error:
            self.problems.append(_syntax_problem(error, file))
            return None
        except RecursionError:
            self.problems.append(Problem(file, 0, "", "is nested too deeply"))
            return None
        if node is None:
            return None
        self._nodes = 0
        try:
            return self._tree(node, file, "", ())
        except _TooMuch as error:
            self.problems.append(Problem(file, 0, "", str(error)))
            return None

    def _tree(self, node: yaml.Node, file: str, key: str, above: tuple[int, ...]) -> Tree:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise _TooMuch(f"holds more than {MAX_NODES} values, aliases expanded")
        if id(node) in above or len(above) > 100:
            raise _TooMuch("has an alias that contains itself, or is nested too deeply")
        line = node.start_mark.line + 1
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, Tree({}, file, line), key, (*above, id(node)))
        if isinstance(node, yaml.SequenceNode):
            items = [
                self._tree(item, file, f"{key}[{index}]", (*above, id(node)))
                for index, item in enumerate(node.value)
            ]
            return Tree(items, file, line)
        return self._scalar(node, file, line, key)

    def _mapping(self, node: yaml.MappingNode, tree: Tree, key: str, above: tuple[int, ...]) -> Tree:
        assert isinstance(tree.value, dict)
        merged: dict[str, Tree] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self.problems.append(Problem(tree.file, line, key, "a key must be text"))
                continue
            name = key_node.value
            value = self._tree(value_node, tree.file, f"{key}.{name}".lstrip("."), above)
            if name == "<<" and key_node.style is None:
                for part in value.value if isinstance(value.value, list) else [value]:
                    merged = (part.value if isinstance(part.value, dict) else {}) | merged
                continue
            if name in tree.value:
                first = tree.key_lines[name]
                self.problems.append(
                    Problem(
                        tree.file,
                        line,
                        f"{key}.{name}".lstrip("."),
                        f"stands here twice, first on line {first}",
                    )
                )
            tree.value[name] = value
            tree.key_lines[name] = line
        for name, value in merged.items():
            if name not in tree.value:
                tree.value[name] = value
                tree.key_lines[name] = value.line
        return tree

    def _scalar(self, node: yaml.Node, file: str, line: int, key: str) -> Tree:
        before = len(self.problems)
        expanded = self.expand(str(node.value), file, line, key)
        if not node.tag.startswith("tag:yaml.org,2002:"):
            self.problems.append(Problem(file, line, key, f"YAML tags such as {node.tag} mean nothing here"))
        quoted = isinstance(node, yaml.ScalarNode) and node.style is not None
        value = expanded if quoted else resolve(expanded)
        return Tree(value, file, line, expanded, broken=len(self.problems) > before)

    def expand(self, text: str, file: str, line: int, key: str) -> str:
        """The text with its `${…}` filled in; an unset variable without default is a problem."""

        def value(match: re.Match[str]) -> str:
            if match[1] == "${":
                return "${"
            name, default = match[2], match[3]
            found = self._environment.get(name)
            if found or (found is not None and default is None):
                return found
            if default is None:
                self.problems.append(
                    Problem(
                        file,
                        line,
                        key,
                        f"the environment has no {name}; set it, write ${{{name}:-default}}, "
                        f"or $${{{name}}} for the text itself",
                    )
                )
                return ""
            return default

        return _VARIABLE.sub(value, text)


class _TooMuch(Exception):
    pass


def resolve(text: str) -> Scalar:
    """The value of an unquoted scalar by YAML 1.2's core schema."""
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if text in ("true", "True", "TRUE", "false", "False", "FALSE"):
        return text[0] in "tT"
    if _INTEGER.fullmatch(text):
        return int(text, 0) if text[:2] in ("0x", "0o") else int(text)
    if _FLOAT.fullmatch(text):
        return float(text.replace(".inf", "inf").replace(".nan", "nan").lower())
    return text


def _syntax_problem(error: yaml.YAMLError, file: str) -> Problem:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        what = ", ".join(part for part in (error.context, error.problem) if part)
        return Problem(file, error.problem_mark.line + 1, "", f"no valid YAML: {what}")
    return Problem(file, 0, "", f"no valid YAML: {' '.join(str(error).split())}")


def overlay(base: Tree, over: Tree) -> None:
    """Put the keys of `over` on top of `base`, section by section; anything but a mapping replaces."""
    if not isinstance(base.value, dict) or not isinstance(over.value, dict):
        base.value, base.file, base.line, base.text = over.value, over.file, over.line, over.text
        return
    for name, item in over.value.items():
        if name in base.value:
            overlay(base.value[name], item)
        else:
            base.value[name] = item
        base.key_lines[name] = item.line


def override_trees(reader: Reader, overrides: Iterator[str]) -> Iterator[Tree]:
    """One tree for each `KEY=VALUE`, whose value is read as YAML."""
    for text in overrides:
        key, sign, value = text.partition("=")
        label = f"--set {text}"
        if not sign or not key.strip() or "" in key.split("."):
            reader.problems.append(
                Problem("", 0, label, "write it as --set KEY=VALUE, such as --set query.timeout=10s")
            )
            continue
        tree = reader.read_text(value, f"--set {key}") or Tree(None, f"--set {key}", 0)
        for mark in _all(tree):
            mark.line = 0
        for name in reversed(key.strip().split(".")):
            tree = Tree({name: tree}, f"--set {key}", 0, key_lines={name: 0})
        yield tree


def _all(tree: Tree) -> Iterator[Tree]:
    yield tree
    if isinstance(tree.value, dict | list):
        for item in tree.value.values() if isinstance(tree.value, dict) else tree.value:
            yield from _all(item)
