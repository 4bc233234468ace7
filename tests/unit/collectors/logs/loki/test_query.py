"""Questions as they cross to the process."""

from __future__ import annotations

import msgspec

from collectors.logs.loki.query import LokiQuery
from tests.unit.collectors.logs.loki.asking import Asking


def test_a_question_arrives_as_it_was_asked(asking: Asking) -> None:
    question = asking.question(
        "series", '{name="web"}', selectors=["{a=~`b`}"], cuts={"/web": [("00", 1, 2)]}
    )
    assert msgspec.json.decode(msgspec.json.encode(question), type=LokiQuery) == question
