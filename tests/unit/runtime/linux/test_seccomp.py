"""The filter at work in a child: what it refuses, and that all else goes on."""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import signal
import socket
import struct
from collections.abc import Callable

import pytest

from runtime.linux import capabilities, namespaces, prctl, seccomp
from runtime.linux.syscalls import CLONE3, number, syscall

InChild = Callable[[Callable[[], object]], str]

USER_KEYRING = (1 << 64) - 4
EMPTY = b"\0" * 128


def outcome(call: Callable[[], object]) -> str:
    """What became of a call, as a word."""
    try:
        call()
    except OSError as error:
        return errno.errorcode[error.errno or 0]
    return "done"


def under(in_child: InChild, call: Callable[[], object], allowed: int = 0) -> str:
    """What became of a call under the filter of a process with these capabilities."""

    def action() -> str:
        prctl.set_no_new_privs()
        seccomp.install(seccomp.narrow(allowed))
        return outcome(call)

    return in_child(action)


def legacy_clone(flags: int) -> None:
    """Fork by the older call; the child is gone at once."""
    pid = syscall(number("clone"), flags | signal.SIGCHLD)
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)


REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "unshare": (lambda: namespaces.unshare(namespaces.NEWUSER | namespaces.NEWCGROUP), "EPERM"),
    "clone": (lambda: legacy_clone(namespaces.NEWUSER), "EPERM"),
    "clone3": (lambda: syscall(CLONE3, EMPTY, 64), "ENOSYS"),
    "setns": (lambda: namespaces.enter(0, namespaces.NEWUSER), "EPERM"),
    "keyctl": (lambda: syscall(number("keyctl"), 6, USER_KEYRING, 0, 0), "EPERM"),
    "add_key": (lambda: syscall(number("add_key"), b"user", b"x", b"x", 1, USER_KEYRING), "EPERM"),
    "request_key": (lambda: syscall(number("request_key"), b"user", b"x", 0, 0), "EPERM"),
    "syslog": (lambda: syscall(number("syslog"), 10, 0, 0), "EPERM"),
    "open_by_handle_at": (lambda: syscall(number("open_by_handle_at"), 0, EMPTY, 0), "EPERM"),
    "bpf": (lambda: syscall(number("bpf"), 0, EMPTY, 128), "EPERM"),
    "perf_event_open": (lambda: syscall(number("perf_event_open"), EMPTY, 0, 0, 0, 0), "EPERM"),
    "userfaultfd": (lambda: syscall(number("userfaultfd"), 1), "EPERM"),
    "io_uring": (lambda: syscall(425, 4, EMPTY), "EPERM"),
    "AF_ALG": (lambda: socket.socket(38, socket.SOCK_SEQPACKET), "EAFNOSUPPORT"),
    "AF_VSOCK": (lambda: socket.socket(40, socket.SOCK_STREAM), "EAFNOSUPPORT"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(in_child: InChild, name: str) -> None:
    call, expected = REFUSED[name]
    assert under(in_child, call) == expected


@pytest.mark.parametrize("name", ["unshare", "clone", "clone3", "setns"])
def test_the_administrators_capability_lifts_what_it_makes_useless(in_child: InChild, name: str) -> None:
    call, refused = REFUSED[name]
    assert under(in_child, call, capabilities.mask(("CAP_SYS_ADMIN",))) == in_child(lambda: outcome(call))
    assert in_child(lambda: outcome(call)) != refused


def test_the_rest_goes_on(in_child: InChild) -> None:
    def action() -> None:
        legacy_clone(0)
        namespaces.unshare(0)
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0
        socket.socketpair()
        socket.socket(socket.AF_INET6).close()

    assert under(in_child, action) == "done"


def test_it_cannot_be_taken_off(in_child: InChild) -> None:
    def action() -> str:
        allow_all = struct.pack("<HBBI", 0x06, 0, 0, 0x7FFF0000)
        seccomp.install(seccomp.prepared(allow_all))
        return outcome(lambda: namespaces.unshare(namespaces.NEWUSER))

    assert under(in_child, lambda: None) == "done"
    assert (
        in_child(lambda: (prctl.set_no_new_privs(), seccomp.install(seccomp.narrow(0)), action())[-1])
        == "EPERM"
    )


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="x32 is an x86_64 matter")
def test_the_same_calls_by_their_x32_numbers(in_child: InChild) -> None:
    def call() -> None:
        syscall(0x40000000 | number("unshare"), namespaces.NEWUSER)

    assert under(in_child, call) == "ENOSYS"


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="int 0x80 is an x86_64 matter")
def test_a_call_of_another_architecture_ends_the_process() -> None:
    # getpid by int 0x80: mov eax, 20; int 0x80; ret
    code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    code.write(b"\xb8\x14\x00\x00\x00\xcd\x80\xc3")
    enter = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))
    pid = os.fork()
    if pid == 0:
        prctl.set_no_new_privs()
        seccomp.install(seccomp.narrow(0))
        enter()
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGSYS
