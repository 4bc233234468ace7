"""The wire format: the examples of its specification, whatever order, and bytes that are none."""

from __future__ import annotations

from typing import Annotated

import pytest

from collectors.inventory.grpc.wire import EMPTY, Malformed, Message, decode, encode


class Inner(Message, frozen=True):
    text: Annotated[str, 2] = ""


class Outer(Message, frozen=True):
    number: Annotated[int, 1] = 0
    inner: Annotated[Inner, 3] = Inner()
    many: Annotated[tuple[str, ...], 4] = ()
    inners: Annotated[tuple[Inner, ...], 5] = ()
    labels: Annotated[dict[str, str], 6] = EMPTY
    raw: Annotated[bytes, 7] = b""
    truth: Annotated[bool, 16] = False


WHOLE = Outer(
    number=-1,
    inner=Inner("testing"),
    many=("", "one", "two"),
    inners=(Inner("a"), Inner()),
    labels={"k": "v", "": "", "ü": "\n"},
    raw=b"\x00\xff",
    truth=True,
)


def test_the_examples_of_the_specification() -> None:
    assert encode(Outer(number=150)) == b"\x08\x96\x01"
    assert encode(Inner("testing")) == b"\x12\x07testing"
    assert encode(Outer(inner=Inner("testing"))) == b"\x1a\x09\x12\x07testing"
    assert decode(b"\x08\x96\x01", Outer) == Outer(number=150)
    assert decode(b"\x1a\x09\x12\x07testing", Outer) == Outer(inner=Inner("testing"))


def test_what_is_encoded_is_decoded() -> None:
    assert decode(encode(WHOLE), Outer) == WHOLE


def test_absent_fields_have_their_defaults_and_take_no_room() -> None:
    assert encode(Outer()) == b""
    assert decode(b"", Outer) == Outer()


def test_a_negative_number_takes_ten_bytes() -> None:
    assert encode(Outer(number=-1)) == b"\x08" + b"\xff" * 9 + b"\x01"


def test_the_last_of_several_values_counts() -> None:
    assert decode(b"\x08\x01\x08\x02", Outer).number == 2


def test_fields_that_are_not_declared_are_skipped() -> None:
    unknown = b"\x90\x03\x05" + b"\x99\x03" + bytes(8) + b"\x9d\x03" + bytes(4) + b"\xa2\x03\x02xx"
    assert decode(unknown + encode(WHOLE) + unknown, Outer) == WHOLE


def test_text_that_is_no_text_is_replaced() -> None:
    assert decode(b"\x12\x02\xffa", Inner) == Inner("\N{REPLACEMENT CHARACTER}a")


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"\x08", "ends within a number"),
        (b"\x08\x80", "ends within a number"),
        (b"\x08" + b"\xff" * 10 + b"\x01", "64 bits"),
        (b"\x1a\x05\x12", "has 1 left"),
        (b"\x0b", "wire type 3"),
        (b"\x0a\x01x", "text where a number"),
        (b"\x18\x01", "a number where Inner"),
        (b"\x38\x01", "a number where text"),
    ],
)
def test_bytes_that_are_no_message_are_refused(content: bytes, word: str) -> None:
    with pytest.raises(Malformed, match=word):
        decode(content, Outer)


def test_every_beginning_of_a_message_is_one_or_is_refused() -> None:
    content = encode(WHOLE)
    refused = 0
    for size in range(len(content)):
        try:
            assert isinstance(decode(content[:size], Outer), Outer)
        except Malformed:
            refused += 1
    assert refused > len(content) // 2
