"""`| logfmt`: the `key=value` pairs of a line, as labels."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import orjson

from collectors.logs.logql.ast import LogfmtParser
from collectors.logs.logql.line import Line, clean, label_name

ERROR = "LogfmtParserErr"
_PAIR = re.compile(
    r"""[\x00-\x20]*([^\x00-\x20="]+)
    (?:="((?:[^"\\]|\\.)*)"
    |=([^\x00-\x20="]*)(?=[\x00-\x20]|\Z)
    |(?=[\x00-\x20]|\Z))""",
    re.VERBOSE | re.DOTALL,
)
_BLANK = re.compile(r"[\x00-\x20]*")
_WORD = re.compile(r"[\x00-\x20]*[^\x00-\x20]*")
_OPEN = re.compile(r'[\x00-\x20]*[^\x00-\x20="]+="')


class Broken(Exception):
    """A piece of a line that is no pair."""


def logfmt_stage(stage: LogfmtParser) -> Callable[[Line], bool]:
    """A stage that never drops a line. What is no pair is left out; with `--strict` it ends the line's reading
    and gives `__error__`."""
    sources = {each.source: each.name for each in stage.extractions}

    def run(line: Line) -> bool:
        if line.wanted is not None and not line.wanted:
            return True
        for name in sources.values():
            if line.find(name) is None:
                line.parsed[name] = ""
        try:
            for key, value in pairs(line.text, strict=stage.strict):
                name = label_name(key)
                if sources:
                    name = sources.get(name, "")
                elif not value and not stage.keep_empty:
                    continue
                if name:
                    line.extract(name, clean(value))
        except Broken as error:
            line.fail(ERROR, str(error))
        return True

    return run


def pairs(text: str, *, strict: bool = False) -> Iterator[tuple[str, str]]:
    """Keys and values in order; raises Broken at the first piece that is no pair, if `strict`."""
    place = 0
    while place < len(text):
        found = _PAIR.match(text, place)
        if found is None:
            if _blank(text, place):
                return
            if strict:
                raise Broken(f"logfmt syntax error at pos {place + 1}: {text[place : place + 20]!r}")
            place = _behind(text, place)
            continue
        place = found.end()
        key, quoted, plain = found.groups()
        if quoted is None or "\\" not in quoted:
            yield key, quoted or plain or ""
            continue
        try:
            yield key, orjson.loads(f'"{quoted}"')
        except orjson.JSONDecodeError as error:
            if strict:
                raise Broken(f"logfmt syntax error at pos {place}: invalid quoted value") from error


def _blank(text: str, place: int) -> bool:
    found = _BLANK.match(text, place)
    return found is not None and found.end() == len(text)


def _behind(text: str, place: int) -> int:
    """Where reading goes on behind what is no pair: at the next blank, or the end for an open quote."""
    opened = _OPEN.match(text, place)
    if opened and not re.compile(r'(?:[^"\\]|\\.)*"', re.DOTALL).match(text, opened.end()):
        return len(text)
    word = _WORD.match(text, place)
    return max(word.end() if word else len(text), place + 1)
