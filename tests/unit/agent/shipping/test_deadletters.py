"""What a peer refused is kept in a file."""

from __future__ import annotations

import json
import os
from pathlib import Path

from agent.shipping.deadletters import DeadLetterFile
from tests.unit.agent.shipping.records import batch


def test_refused_records_stand_in_the_file_with_the_reason(tmp_path: Path) -> None:
    letters = DeadLetterFile(str(tmp_path / "dead"), "loki", 1 << 20, lambda *_: None)
    letters.put([batch("a", ["1"]), batch("b", ["2"])], "refused", "400 too old")
    letters.put([batch("a", ["3"])], "too_large", "413")
    lines = [json.loads(line) for line in Path(letters.path).read_text().splitlines()]
    assert [(line["message"], line["refused"]["reason"]) for line in lines] == [
        ("1", "refused"), ("2", "refused"), ("3", "too_large"),
    ]  # fmt: skip
    assert lines[1]["container"]["name"] == "b"
    assert os.stat(letters.path).st_mode & 0o777 == 0o600


def test_the_files_never_outgrow_their_room_and_the_loss_is_told(tmp_path: Path) -> None:
    told: list[str] = []
    letters = DeadLetterFile(str(tmp_path), "loki", 4000, lambda event, text: told.append(event))
    for number in range(100):
        letters.put([batch("a", [f"{number:050}"])], "refused", "400")
    sizes = [path.stat().st_size for path in tmp_path.iterdir()]
    assert len(sizes) == 2
    assert sum(sizes) <= 4000
    assert f"{99:050}" in Path(letters.path).read_text()
    assert set(told) == {"dead_letters_dropped"}


def test_a_disk_that_takes_nothing_is_told(tmp_path: Path) -> None:
    told: list[str] = []
    letters = DeadLetterFile(str(tmp_path), "loki", 4000, lambda event, text: told.append(text))
    (tmp_path / "loki.jsonl").mkdir()
    letters.put([batch("a", ["1"])], "refused", "400")
    assert len(told) == 1
    assert "loki.jsonl" in told[0]
