from __future__ import annotations

from collectors.logs.parsers.understood import Understood, decoded


def test_the_messages_own_time_is_read_from_its_fields() -> None:
    understood = Understood("x", None, {"ts": 1795486577.5}, None, None, "")
    assert understood.time == 1795486577500000000
    assert Understood("x", None, {}, None, None, "").time is None


def test_bytes_that_are_no_utf8_are_replaced_and_told() -> None:
    assert decoded("é".encode()) == ("é", "")
    assert decoded(b"caf\xe9") == ("caf\ufffd", "invalid UTF-8")
