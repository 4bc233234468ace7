from __future__ import annotations

import json
import pathlib
import subprocess
import sys

import msgspec
import pytest

from collectors.logs.loki.query import LokiQuery
from collectors.logs.query import LogQuery
from collectors.logs.queryprocess import FAILED
from collectors.logs.record import LogTarget
from collectors.model import LogSource
from tests.unit.collectors.logs.logfile import LogFile


def run(
    query: bytes, scratch: pathlib.Path, max_bytes: int = 1 << 30, *more: str
) -> subprocess.CompletedProcess[bytes]:
    command = [
        sys.executable,
        "-m",
        "collectors.logs.queryprocess",
        "--scratch",
        str(scratch),
        "--max-bytes",
        str(max_bytes),
        *more,
    ]
    return subprocess.run(command, input=query, capture_output=True, timeout=30, check=False)


@pytest.fixture
def target(tmp_path: pathlib.Path) -> LogTarget:
    log = LogFile(tmp_path / "x.log")
    log.numbers(1000)
    return LogTarget(id="/x", source=LogSource(path=str(log.path), format="cri"), container={"name": "x"})


def test_the_process_answers_in_json_lines(target: LogTarget, tmp_path: pathlib.Path) -> None:
    done = run(msgspec.json.encode(LogQuery(targets=[target], limit=2)), tmp_path)
    assert [json.loads(line)["message"] for line in done.stdout.splitlines()] == ["number 999", "number 998"]
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize(
    ("words", "max_bytes", "reason"),
    [
        ({"grep": "("}, 1 << 30, "pattern"),
        ({"direction": "forward"}, 1000, "bytes"),
        ({"level": "loud"}, 1 << 30, "pattern"),
    ],
)
def test_its_last_word_has_a_reason(
    target: LogTarget, tmp_path: pathlib.Path, words: dict[str, str], max_bytes: int, reason: str
) -> None:
    query = msgspec.json.encode(LogQuery(targets=[target], **words))  # type: ignore[arg-type]
    done = run(query, tmp_path, max_bytes)
    assert done.returncode == FAILED
    assert json.loads(done.stderr)["reason"] == reason


def test_an_unknown_format_is_named(target: LogTarget, tmp_path: pathlib.Path) -> None:
    odd = msgspec.structs.replace(target, source=LogSource(path=target.source.path, format="xml"))
    done = run(msgspec.json.encode(LogQuery(targets=[odd])), tmp_path)
    assert json.loads(done.stderr) == {
        "reason": "failed",
        "text": "unknown log format 'xml'; known are cri, docker_json, docker_local, plain",
    }


def test_the_process_answers_in_loki_s_shapes(target: LogTarget, tmp_path: pathlib.Path) -> None:
    question = LokiQuery(kind="query", query="vector(1)+vector(1)", end=2_000_000_000)
    done = run(msgspec.json.encode(question), tmp_path, 1 << 30, "--loki")
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout)["data"]["result"] == [{"metric": {}, "value": [2, "2"]}]


def test_a_query_that_is_none_has_its_place_in_the_last_word(tmp_path: pathlib.Path) -> None:
    done = run(msgspec.json.encode(LokiQuery(kind="query", query="{a=")), tmp_path, 1 << 30, "--loki")
    assert (done.returncode, done.stdout) == (FAILED, b"")
    word = json.loads(done.stderr)
    assert (word["reason"], word["text"][:31]) == ("pattern", "parse error at line 1, col 4: s")
