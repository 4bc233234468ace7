from __future__ import annotations

import msgspec

from collectors.logs.query import LogQuery


def test_a_query_crosses_to_its_process_unchanged() -> None:
    query = LogQuery(since=1.5, grep="a|b", cuts={"/x": [("00", 5, 6)]})
    assert msgspec.json.decode(msgspec.json.encode(query), type=LogQuery) == query
