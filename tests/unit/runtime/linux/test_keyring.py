"""A new session keyring is another one than the inherited."""

from __future__ import annotations

from collections.abc import Callable

from runtime.linux.keyring import join_new_session
from runtime.linux.syscalls import number, syscall

GET_KEYRING_ID = 0
SESSION = -3


def test_session_keyring_changes(in_child: Callable[[Callable[[], object]], str]) -> None:
    def action() -> bool:
        before = syscall(number("keyctl"), GET_KEYRING_ID, SESSION, 1)
        return join_new_session() and syscall(number("keyctl"), GET_KEYRING_ID, SESSION, 0) != before

    assert in_child(action) == "True"
