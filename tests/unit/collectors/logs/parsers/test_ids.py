from __future__ import annotations

from typing import Any

import pytest

from collectors.logs.parsers.ids import NONE, ids_in_text, may_hold_ids, usual_ids
from collectors.logs.parsers.shape import ids_in

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SHORT = "a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
PARENT = f"00-{TRACE}-{SPAN}-01"

OBJECTS: list[tuple[dict[str, Any], str | None, str | None]] = [
    ({"trace_id": TRACE, "span_id": SPAN}, TRACE, SPAN),
    ({"TraceId": TRACE, "SpanId": SPAN}, TRACE, SPAN),
    ({"traceId": TRACE.upper(), "spanId": SPAN.upper()}, TRACE, SPAN),
    ({"trace.id": SHORT, "span.id": SPAN}, SHORT, SPAN),
    ({"trace": {"id": TRACE}, "span": {"id": SPAN}}, TRACE, SPAN),
    ({"otelTraceID": TRACE, "otelSpanID": SPAN}, TRACE, SPAN),
    ({"dd.trace_id": "1234567890123456", "dd.span_id": "22"}, "000462d53c8abac0", "0000000000000016"),
    ({"dd": {"trace_id": str(2**64 - 1), "span_id": 7}}, "f" * 16, "0000000000000007"),
    ({"dd.trace_id": TRACE}, TRACE, None),
    ({"traceparent": PARENT}, TRACE, SPAN),
    (
        {"logging.googleapis.com/trace": f"projects/p/traces/{TRACE}", "logging.googleapis.com/spanId": SPAN},
        TRACE,
        SPAN,
    ),
    ({"trace_id": "", "traceId": TRACE}, TRACE, None),
    ({"trace_id": "0" * 32, "span_id": "0" * 16}, None, None),
    ({"trace_id": TRACE[:-1], "span_id": TRACE}, None, None),
    ({"trace_id": "g" * 32}, None, None),
    ({"trace_id": f"{TRACE[:30]}  ", "span_id": "é" * 16}, None, None),
    ({"trace_id": 12, "span_id": [], "dd": {"trace_id": 2**64, "span_id": 0}}, None, None),
    ({"trace_id": {"id": TRACE}, "dd.trace_id": True}, None, None),
    ({"traceparent": f"00-{'0' * 32}-{SPAN}-01"}, None, SPAN),
    ({"traceparent": "00-x"}, None, None),
]
TEXTS: list[tuple[str, str | None, str | None]] = [
    (f"GET / trace_id={TRACE} span_id={SPAN} ok", TRACE, SPAN),
    (f"GET / trace_id={SHORT.upper()}", SHORT, None),
    (f"x [traceId={TRACE}, spanId={SPAN}] y", TRACE, SPAN),
    (f'x {{\\"trace_id\\":\\"{TRACE}\\"}}', TRACE, None),
    (f'"TraceID": "{TRACE}"', TRACE, None),
    (f"TRACE_ID={TRACE} SPAN_ID={SPAN}", TRACE, SPAN),
    (f"traceparent: {PARENT}", TRACE, SPAN),
    (f"calling with {PARENT}", TRACE, SPAN),
    ("[dd.trace_id=1234567890123456 dd.span_id=22]", "000462d53c8abac0", "0000000000000016"),
    ("a trace was traced", None, None),
    (f"span_id={SPAN} alone", None, None),
    (f"trace_id={TRACE}0", None, None),
    (f"trace_id={'0' * 32}", None, None),
    ("trace_id=12", None, None),
    (f"x{PARENT}", None, None),
    ("2000-01-01 00-11", None, None),
    ("", None, None),
]


@pytest.mark.parametrize(("fields", "trace", "span"), OBJECTS)
def test_keys_of_every_convention(fields: dict[str, Any], trace: str | None, span: str | None) -> None:
    assert ids_in(fields) == (trace, span)


@pytest.mark.parametrize(("text", "trace", "span"), TEXTS)
def test_ids_in_a_text(text: str, trace: str | None, span: str | None) -> None:
    assert ids_in_text(text) == (trace, span)


@pytest.mark.parametrize("text", [text for text, trace, span in TEXTS if trace or span])
def test_the_look_at_many_never_misses_one(text: str) -> None:
    assert may_hold_ids(f"a line\n{text}\nanother".encode())


def test_the_look_at_many_passes_by_what_tells_none() -> None:
    assert not may_hold_ids(b"Traceback (most recent call last)\n2000-01-01 span of time")


@pytest.mark.parametrize(
    ("trace", "span"),
    [(SHORT, SPAN), (TRACE, TRACE), (TRACE, "0" * 16), ("0" * 32, SPAN), (12, 7), ([], []), (None, SPAN), (b"", b""),
     (f"{TRACE[:30]}  ", SPAN), (f"{TRACE} ", SPAN), (TRACE, "x" * 16), (TRACE + SPAN, ""), (f"{TRACE}0", SPAN[1:])],
)  # fmt: skip
def test_the_quick_check_leaves_all_else_to_the_others(trace: Any, span: Any) -> None:
    assert usual_ids(trace, span) == NONE


def test_the_quick_check_agrees_with_the_others() -> None:
    assert usual_ids(TRACE.upper(), SPAN) == ids_in({"trace_id": TRACE, "span_id": SPAN}) == (TRACE, SPAN)
