"""Entries of files as LogQL reads them."""

from __future__ import annotations

import os
import random
import re
from collections.abc import Callable

import pytest

from collectors.logs import scan
from collectors.logs.assemble import Assembler
from collectors.logs.chain import chain_of, opened
from collectors.logs.entry import Entry
from collectors.logs.files import key_of
from collectors.logs.formats import cri
from collectors.logs.lines import LineReader
from collectors.logs.logql.parser import parse
from collectors.logs.loki.entries import seen, told
from collectors.logs.parse import understand
from collectors.logs.rule import Multiline
from tests.unit.collectors.logs.logfile import LogFile, zipped
from tests.unit.collectors.logs.loki.asking import Asking

TEXTS = (
    'say "hi" <b>&amp;', "tab\there", "schön 日本", r"back\slash \d+", '{"level":"error","msg":"needle <x>"}',
    "level=warn needle", "^anchored needle$", "NEEDLE", "x" * 300,
)  # fmt: skip
QUERIES: tuple[tuple[str, Callable[[str], bool]], ...] = (
    ('|= "needle"', lambda line: "needle" in line),
    ('!= "needle"', lambda line: "needle" not in line),
    ('|= "\\"hi\\" <b>&"', lambda line: '"hi" <b>&' in line),
    ('|= "tab\\there"', lambda line: "tab\there" in line),
    ("|= `schön` or `back\\slash`", lambda line: "schön" in line or "back\\slash" in line),
    ("|~ `^number \\d+5 `", lambda line: re.search(r"^number \d+5 ", line) is not None),
    ("|~ `(?i)needle$`", lambda line: re.search(r"(?i)needle$", line) is not None),
    ("!~ `needle|at com`", lambda line: re.search("needle|at com", line) is None),
    ('|= "needle" != "<x>" |~ "lev.l"', lambda line: "needle" in line and "<x>" not in line and "level" in line),
    ("|= `IllegalState`", lambda line: "IllegalState" in line),
    ('| detected_level="warn" |= "e"', lambda line: understand(line.encode()).level == "warn" and "e" in line),
    ('| json msg="msg" | msg=~".*<x>"', lambda line: line.startswith("{") and "<x>" in line),
)  # fmt: skip


def written(log: LogFile, chance: random.Random) -> None:
    """Lines in parts and on two streams, stack traces, times that go back, rotations, archives."""
    for number in range(500):
        stream = "stderr" if chance.random() < 0.3 else "stdout"
        tag = "P" if chance.random() < 0.1 else "F"
        log.write(f"number {number} {chance.choice(TEXTS)}", tag=tag, stream=stream)
        log.write(chance.choice(TEXTS), stream=stream)
        if chance.random() < 0.02:
            log.write("java.lang.IllegalStateException: x", "\tat com.example.A.b(A.java:1)", stream=stream)
        if chance.random() < 0.02:
            log.write(*("y" * 16384 for _ in range(2)), tag="P", stream=stream)
        if chance.random() < 0.05:
            log.time -= 3_000_000
        if chance.random() < 0.005:
            rotated = log.rename()
            if chance.random() < 0.5:
                zipped(rotated)


def truth(log: LogFile) -> list[Entry]:
    """All entries, read from the very beginning in one go."""
    assembler = Assembler(cri, multiline=Multiline())
    entries: list[Entry] = []
    for sibling in chain_of(str(log.path)):
        fd = opened(sibling, str(log.path.parent))
        assert fd is not None
        reader = LineReader(fd)
        while (batch := reader.read()) is not None:
            entries += assembler.feed(key_of(fd, "/web"), batch.offset, batch.data)
        os.close(fd)
    return entries + assembler.flush()


@pytest.mark.parametrize("seed", range(2))
def test_every_query_finds_what_a_naive_reading_finds(
    asking: Asking, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan, "_FIRST_BLOCK", 4000)
    monkeypatch.setattr(scan, "_LAST_BLOCK", 20_000)
    written(asking.log, random.Random(seed))
    entries = [(one.time, one.stream, one.message.decode()) for one in truth(asking.log)]
    assert len(entries) > 900
    since, until = entries[200][0], entries[-200][0]
    for stages, wants in QUERIES:
        assert any(wants(line) for _, _, line in entries[200:-200]), stages
        for stream in ("stdout", "stderr"):
            expected = sorted(
                line for time, own, line in entries if own == stream and since <= time < until and wants(line)
            )
            query = f'{{name="web", stream="{stream}"}} {stages}'
            for forward in (True, False):
                found = asking.lines(query, start=since, end=until, forward=forward)
                assert sorted(found) == expected, (query, forward)
            counted = asking.ask(
                "query", f"sum(count_over_time({query} | drop __error__, __error_details__ [{until - since}ns]))",
                end=until - 1,
            )["data"]["result"]  # fmt: skip
            assert [one["value"][1] for one in counted] == ([str(len(expected))] if expected else [])


def test_the_newest_of_all_containers_come_first(asking: Asking) -> None:
    other = LogFile(asking.directory / "db.log")
    other.time = asking.log.time + 500_000
    for number in range(5):
        asking.log.write(f"web {number}")
        other.write(f"db {number}")
    asking.targets.append(asking.target("db", other.path))
    found = asking.ask("query_range", '{engine="docker"}', limit=3, categorize=True)["data"]["result"]
    assert {one["stream"]["name"]: [value[1] for value in one["values"]] for one in found} == {
        "db": ["db 4", "db 3"], "web": ["web 4"],
    }  # fmt: skip


def test_what_is_redacted_is_neither_shown_nor_found(asking: Asking) -> None:
    asking.log.write("password=hunter22hunter22 logs in with Bearer abcdefghijklmnopqrstuvwxyz012345")
    (line,) = asking.lines('{name="web"}')
    assert "abcdefghijklmnopqrstuvwxyz012345" not in line
    assert asking.lines('{name="web"} |= "abcdefghijklmnopqrstuvwxyz012345"') == []


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ('{a="b"}', {"level", "trace_id", "span_id", "uid", "run"}),
        ('sum(rate({a="b"} | json [1m]))', set()),
        ('sum by (c) (rate({a="b"} | json [1m]))', set()),
        ('sum by (level, detected_level) (rate({a="b"} [1m]))', {"level"}),
        ('sum without (c) (rate({a="b"} [1m]))', {"level", "trace_id", "span_id", "uid", "run"}),
        ('rate({a="b"} [1m])', {"level", "trace_id", "span_id", "uid", "run"}),
        ('max(rate({a="b"} [1m]))', {"level", "trace_id", "span_id", "uid", "run"}),
        ('sum(rate({a="b"} | trace_id="x" [1m])) / sum(rate({a="b"} [1m]))', {"trace_id"}),
    ],
)  # fmt: skip
def test_only_what_can_be_seen_is_looked_for(query: str, names: set[str]) -> None:
    assert seen(parse(query)) == names


def test_levels_are_the_same_whether_they_are_looked_for_alone_or_with_all_else(asking: Asking) -> None:
    asking.log.write("level=error a", '{"severity":"WARN"}', "b", "trace_id=0123456789abcdef0123456789abcdef")
    counted = [
        asking.ask("query", f'sum by ({names}) (count_over_time({{name="web"}}[2h]))')["data"]["result"]
        for names in ("level, detected_level", "level, detected_level, span_id")
    ]
    assert counted[0] == counted[1]
    assert {one["metric"]["detected_level"] for one in counted[0]} == {"error", "warn", "unknown"}


def test_a_line_s_own_metadata() -> None:
    trace = "0123456789abcdef0123456789abcdef"
    understood = understand(f'{{"level":"warn","trace_id":"{trace}"}}'.encode())
    assert told(understood, 3, "u1") == {
        "level": "warn", "detected_level": "warn", "run": "3", "uid": "u1", "trace_id": trace,
    }  # fmt: skip
    assert told(understand(b"hello"), None, "u1") == {"detected_level": "unknown", "uid": "u1"}
