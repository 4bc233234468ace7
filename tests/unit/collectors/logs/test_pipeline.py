"""Entries into records."""

from __future__ import annotations

from collectors.logs.entry import Entry
from collectors.logs.pipeline import Pipeline, Runs
from collectors.logs.record import LogTarget
from collectors.logs.rule import Drop, Limit, Redaction, Rule
from collectors.logs.times import SECOND
from collectors.logs.uid import uid_of
from collectors.model import LogSource


def target(rule: Rule | None = None, runs: list[tuple[int, float]] | None = None) -> LogTarget:
    source = LogSource(path="/a.log", format="cri")
    return LogTarget(id="/a", source=source, container={}, rule=rule or Rule(), runs=runs or [])


def entry(message: bytes, offset: int = 0, **members: object) -> Entry:
    return Entry(SECOND, "stderr", message, b"k", offset, len(message) + 1)._replace(**members)


def test_a_record_has_what_its_message_says() -> None:
    message = b'{"level":"error","msg":"boom","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","code":7}'
    (record,) = Pipeline(target(runs=[(3, 0.5)])).made([entry(message, 42)]).records
    assert (record.time, record.stream, record.level, record.run) == (SECOND, "stderr", "error", 3)
    assert record.message == message.decode()
    assert record.fields["code"] == 7
    assert record.trace_id == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert (record.uid, record.size) == (uid_of(b"k", 42), len(message))


def test_what_was_wrong_with_an_entry_stands_in_its_fields() -> None:
    (record,) = Pipeline(target()).made([entry(b"\xff", error="torn", partial=True)]).records
    assert record.fields == {"deckwatch_error": "torn", "deckwatch_partial": True}


def test_secrets_are_gone_from_message_and_fields() -> None:
    (record,) = Pipeline(target()).made([entry(b'{"dsn":"amqp://a:secret@b"}')]).records
    assert record.fields == {"dsn": "amqp://a:[redacted:url_password]@b"}
    assert "secret" not in record.message


def test_drops_and_limits_count_what_they_take_and_only_for_shipping() -> None:
    rule = Rule(
        drop=(Drop(grep="health", stream="stderr"), Drop(level="debug")), limit=Limit(lines=1.0, burst=4.0)
    )
    entries = [
        entry(b"GET /health"),
        entry(b"DEBUG x"),
        *(entry(b"INFO y") for _ in range(5)),
        entry(b"ERROR z"),
    ]
    made = Pipeline(target(rule)).made(entries)
    assert [record.message for record in made.records] == ["INFO y", "INFO y", "ERROR z"]
    assert made.dropped == {"rule": 2, "rate_limited": 3}
    assert len(Pipeline(target(rule), limited=False).made(entries).records) == len(entries)


def test_a_limit_that_blocks_drops_nothing() -> None:
    pipeline = Pipeline(target(Rule(limit=Limit(bytes=100.0, action="block"))))
    made = pipeline.made([entry(b"x" * 100) for _ in range(3)])
    assert (len(made.records), made.dropped) == (3, {})
    assert pipeline.delay(made) == 3.0


def test_a_message_on_which_redaction_fails_is_withheld_and_counted() -> None:
    pipeline = Pipeline(target(Rule(redact=Redaction(fail_closed=True))))

    class Failing:
        def redact_many(self, messages: list[bytes]) -> list[bytes | None]:
            return [None if b"bad" in message else message for message in messages]

    pipeline._redactor = Failing()  # type: ignore[assignment]
    made = pipeline.made([entry(b"good", 1), entry(b"bad", 2), entry(b"fine", 3)])
    assert [(record.message, record.uid) for record in made.records] == [
        ("good", uid_of(b"k", 1)), ("fine", uid_of(b"k", 3)),
    ]  # fmt: skip
    assert made.dropped == {"redaction_failed": 1}


def test_the_run_is_the_one_under_way_whatever_the_order_of_times() -> None:
    runs = Runs(target(runs=[(1, 10.0), (2, 20.0), (4, 30.0)]))
    times = [25, 5, 10, 19, 99, 20, 29, 30, 0]
    assert [runs.at(time * SECOND) for time in times] == [2, 1, 1, 1, 4, 2, 2, 4, 1]
    assert Runs(target()).at(SECOND) is None
