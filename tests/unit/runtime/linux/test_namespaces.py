"""Children in new namespaces, on the real kernel."""

from __future__ import annotations

import os
import pathlib
import select
import signal
from collections.abc import Callable

import pytest

from runtime.linux import namespaces
from runtime.linux.namespaces import IdMapping

pytestmark = [pytest.mark.root, pytest.mark.usefixtures("as_root")]
InChild = Callable[[Callable[[], object]], str]


def test_clone_gives_pid_and_pidfd() -> None:
    pid, pidfd = namespaces.clone(namespaces.NEWPID)
    if pid == 0:
        os._exit(os.getpid())
    waiting = select.poll()
    waiting.register(pidfd, select.POLLIN)
    assert waiting.poll(5000)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 1, "the first pid of a new namespace"
    os.close(pidfd)


def test_clone_drops_handlers(in_child: InChild) -> None:
    def action() -> int:
        signal.signal(signal.SIGUSR1, lambda *_: None)
        pid, _ = namespaces.clone(0)
        if pid == 0:
            os.kill(os.getpid(), signal.SIGUSR1)
            os._exit(0)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    assert in_child(action) == str(-signal.SIGUSR1)


def test_loopback_answers(in_child: InChild) -> None:
    def action() -> str:
        namespaces.unshare(namespaces.NEWNET)
        namespaces.loopback_up()
        # sysfs of the host shows the host's devices; /proc/self/net is of this namespace.
        return pathlib.Path("/proc/self/net/if_inet6").read_text().split()[0]

    assert in_child(action) == "0" * 31 + "1"


def test_names_of_a_uts_namespace(in_child: InChild) -> None:
    def action() -> str:
        namespaces.unshare(namespaces.NEWUTS)
        namespaces.set_hostname("castle")
        namespaces.set_domainname("example")
        return f"{os.uname().nodename} {pathlib.Path('/proc/sys/kernel/domainname').read_text().strip()}"

    before = os.uname().nodename
    assert in_child(action) == "castle example"
    assert os.uname().nodename == before


def test_entering_another_process_s_namespace(in_child: InChild) -> None:
    def action() -> bool:
        own = os.open("/proc/self/ns/uts", os.O_RDONLY)
        before = os.readlink("/proc/self/ns/uts")
        namespaces.unshare(namespaces.NEWUTS)
        changed = os.readlink("/proc/self/ns/uts") != before
        namespaces.enter(own, namespaces.NEWUTS)
        return changed and os.readlink("/proc/self/ns/uts") == before

    assert in_child(action) == "True"


@pytest.mark.parametrize("privileged", [True, False])
def test_ids_of_a_user_namespace(privileged: bool) -> None:
    read, write = os.pipe()
    pid, pidfd = namespaces.clone(namespaces.NEWUSER)
    if pid == 0:
        os.read(read, 1)
        os._exit(os.getuid())
    namespaces.map_ids(pid, [IdMapping(7, 0, 1)], [IdMapping(7, 0, 1)], privileged=privileged)
    setgroups = pathlib.Path(f"/proc/{pid}/setgroups").read_text().strip()
    os.write(write, b"x")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
    assert setgroups == ("allow" if privileged else "deny")
    for descriptor in (read, write, pidfd):
        os.close(descriptor)
