"""A failure survives the pipe."""

from __future__ import annotations

import errno

import pytest

from runtime.container.failure import LIMIT, StartError, from_bytes, to_bytes


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (StartError("exec", errno.ENOENT, 'cannot start "x"'), errno.ENOENT, 'cannot start "x"'),
        (
            PermissionError(errno.EACCES, "", "/x"),
            errno.EACCES,
            "cannot start the container: rights /x: Permission denied",
        ),
        (OSError(errno.EINVAL, ""), errno.EINVAL, "cannot start the container: rights: Invalid argument"),
        (
            OSError(errno.ENOSYS, ""),
            errno.ENOSYS,
            "cannot start the container: rights: Function not implemented; "
            "this kernel is too old, 5.14 or newer is needed",
        ),
        (RuntimeError("bug"), 0, "cannot start the container: rights: RuntimeError('bug')"),
    ],
)
def test_round_trip(error: Exception, code: int, text: str) -> None:
    read = from_bytes(to_bytes("rights", error))
    assert (read.errno, str(read)) == (code, text)
    assert read.stage == ("exec" if isinstance(error, StartError) else "rights")


def test_text_is_one_line_and_limited() -> None:
    raw = to_bytes("exec", StartError("exec", 1, "a\nb" + "x" * 10_000))
    assert len(raw) == LIMIT
    assert "\n" not in str(from_bytes(raw))
