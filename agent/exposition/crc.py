"""CRC-32 of texts that are put together, from that of each: what a gzip stream of ready parts ends with.

The CRC is a remainder of polynomials over GF(2): so many bytes behind a text multiply its own by a power of x.
Bits are reflected, as RFC 1952 has them: the highest one stands for 1, the lowest for x to the 31st.
"""

from __future__ import annotations

_POLYNOMIAL = 0xEDB88320
_ALL = 0xFFFFFFFF
_ONE = 1 << 31


def _product(a: int, b: int) -> int:
    """a times b, modulo the polynomial."""
    product = 0
    while a:
        if a & _ONE:
            product ^= b
        a = a << 1 & _ALL
        b = b >> 1 ^ _POLYNOMIAL if b & 1 else b >> 1
    return product


def _squares() -> list[int]:
    """x to the 8th, the 16th, the 32nd …: what one byte, two, four … multiply by."""
    found = [_ONE >> 8]
    while len(found) < 64:
        found.append(_product(found[-1], found[-1]))
    return found


_SQUARES = _squares()


def shift(size: int) -> int:
    """What so many bytes behind a text multiply its CRC by."""
    found = _ONE
    for square in _SQUARES:
        if size & 1:
            found = _product(square, found)
        size >>= 1
    return found


def joined(before: int, after: int, shift_after: int) -> int:
    """CRC-32 of two texts together; the second one's size is given as `shift` tells it."""
    return _product(shift_after, before) ^ after
