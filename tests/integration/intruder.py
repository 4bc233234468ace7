"""What somebody tries who got hold of a workload: run inside, prints what came of each attempt as JSON.

An attempt gives `done` (or what it got) or the name of the kernel's error. Called with the name of a host
socket, a host directory that is hidden, and a file that belongs to neither.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import json
import os
import signal
import socket
import stat
import struct
import sys
from collections.abc import Callable

X86 = os.uname().machine == "x86_64"
CLONE, UNSHARE, SETNS, KEYCTL, ADD_KEY, SYSLOG, HANDLE, BPF, PERF, USERFAULTFD, MOUNT = (
    (56, 272, 308, 250, 248, 103, 304, 321, 298, 323, 165)
    if X86
    else (220, 97, 268, 219, 217, 116, 265, 280, 241, 282, 40)
)
CLONE3, IO_URING, OPEN_TREE, FSOPEN = 435, 425, 428, 430
NEWUSER, NEWNS, NEWCGROUP = 0x10000000, 0x00020000, 0x02000000
USER_KEYRING = -4
PTRACE_ATTACH, PTRACE_SEIZE = 16, 0x4206
TIOCSTI = 0x5412

_libc = ctypes.CDLL(None, use_errno=True)
found: dict[str, str] = {}
SOCKET, HIDDEN = sys.argv[1:3]


def call(number: int, *arguments: object) -> int:
    """A system call; OSError when it failed."""
    result = int(_libc.syscall(ctypes.c_long(number), *arguments))
    if result < 0:
        raise OSError(ctypes.get_errno(), "")
    return result


def attempt(action: Callable[[], object]) -> Callable[[], object]:
    """Try it in a child, so that a half success does not help the next."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            got = action()
            text = "done" if got is None else str(got)
        except OSError as error:
            text = errno.errorcode.get(error.errno or 0, str(error))
        except BaseException as error:
            text = repr(error)
        os.write(write, text.encode()[:4000])
        os._exit(0)
    os.close(write)
    with open(read, encoding="utf-8") as file:
        found[action.__name__] = file.read()
    os.waitpid(pid, 0)
    return action


def opens(paths: list[str], flags: int) -> list[str]:
    """Those of the paths that can be opened so."""
    able = []
    for path in paths:
        try:
            os.close(os.open(path, flags | os.O_NONBLOCK))
        except OSError:
            continue
        able.append(path)
    return able


def _is_pipe(number: int) -> bool:
    return os.readlink(f"/proc/{os.getppid()}/fd/{number}").startswith("pipe:")


@attempt
def user_namespace_by_unshare() -> None:
    call(UNSHARE, NEWUSER | NEWNS | NEWCGROUP)


@attempt
def user_namespace_by_clone() -> None:
    if call(CLONE, NEWUSER | signal.SIGCHLD, 0, 0, 0, 0) == 0:
        os._exit(0)


@attempt
def user_namespace_by_clone3() -> None:
    if call(CLONE3, struct.pack("<8Q", NEWUSER, 0, 0, 0, signal.SIGCHLD, 0, 0, 0), 64) == 0:
        os._exit(0)


@attempt
def namespace_of_init() -> None:
    call(SETNS, os.open("/proc/self/ns/mnt", os.O_RDONLY), 0)


@attempt
def read_user_keyring() -> None:
    call(KEYCTL, 6, USER_KEYRING, 0, 0, 0)


@attempt
def write_user_keyring() -> None:
    call(ADD_KEY, b"user", b"intruder", b"x", 1, USER_KEYRING)


@attempt
def kernel_log() -> None:
    call(SYSLOG, 10, 0, 0)


@attempt
def file_by_handle() -> None:
    call(HANDLE, -100, ctypes.create_string_buffer(64), os.O_RDONLY)


@attempt
def bpf() -> None:
    call(BPF, 0, ctypes.create_string_buffer(128), 128)


@attempt
def perf_events() -> None:
    call(PERF, ctypes.create_string_buffer(128), 0, -1, -1, 0)


@attempt
def userfaultfd() -> None:
    call(USERFAULTFD, 1)


@attempt
def io_uring() -> None:
    call(IO_URING, 4, ctypes.create_string_buffer(120))


@attempt
def hypervisor_socket() -> None:
    socket.socket(40, socket.SOCK_STREAM)


@attempt
def packet_socket() -> None:
    socket.socket(socket.AF_PACKET, socket.SOCK_RAW)


@attempt
def mount_tmpfs() -> None:
    call(MOUNT, b"none", b"/dev/shm", b"tmpfs", 0, 0)


@attempt
def mount_procfs_by_descriptor() -> None:
    call(FSOPEN, b"proc", 0)


@attempt
def clone_tree() -> None:
    call(OPEN_TREE, -100, b"/", 1)


@attempt
def remount_writable() -> None:
    call(MOUNT, b"", b"/", b"", 32 | 4096, 0)


@attempt
def unmount() -> object:
    places = (b"/proc", b"/proc/keys", b"/sys", b"/sys/fs/cgroup", b"/dev", b"/proc/sys", os.fsencode(HIDDEN))
    return [place for place in places if _libc.umount2(place, 2) == 0]


@attempt
def make_block_device() -> None:
    os.mknod("/dev/shm/disk", stat.S_IFBLK | 0o600, os.makedev(254, 0))


@attempt
def trace_init() -> None:
    if _libc.ptrace(PTRACE_ATTACH, 1, 0, 0) and _libc.ptrace(PTRACE_SEIZE, 1, 0, 0):
        raise OSError(ctypes.get_errno(), "")


@attempt
def links_of_init() -> object:
    names = [
        "exe",
        "root",
        "cwd",
        "mem",
        "environ",
        "maps",
        "ns/mnt",
        *(f"fd/{number}" for number in range(10)),
    ]
    return opens([f"/proc/1/{name}" for name in names], os.O_RDONLY)


@attempt
def own_descriptors() -> object:
    numbers = map(int, os.listdir(f"/proc/{os.getppid()}/fd"))
    return sorted(number for number in numbers if number < 3 or not _is_pipe(number))


@attempt
def processes() -> object:
    seen = {int(name) for name in os.listdir("/proc") if name.isdigit()}
    return sorted(seen - {1, os.getpid(), os.getppid()})


@attempt
def signal_others() -> object:
    reached = []
    for pid in range(2, 500):
        try:
            if pid not in (os.getpid(), os.getppid()):
                os.kill(pid, 0)
                reached.append(pid)
        except OSError:
            continue
    return reached


@attempt
def write_cgroup_files() -> object:
    files = [f"{base}/{name}" for base, _, names in os.walk("/sys/fs/cgroup") for name in names]
    return opens(files, os.O_WRONLY)


@attempt
def write_kernel_files() -> object:
    names = ["sys/kernel/core_pattern", "sys/kernel/modprobe", "sysrq-trigger", "sys/vm/drop_caches", "mtrr"]
    paths = [f"/proc/{name}" for name in (*names, "irq/default_smp_affinity", "sys/fs/file-max")]
    return opens(
        [*paths, "/sys/kernel/uevent_helper", "/sys/kernel/mm/ksm/run", "/sys/power/state"], os.O_WRONLY
    )


@attempt
def read_kernel_files() -> object:
    tell = []
    for path in (
        "/proc/kcore",
        "/proc/kmsg",
        "/proc/keys",
        "/proc/timer_list",
        "/proc/interrupts",
        "/dev/mem",
    ):
        try:
            with open(path, "rb", buffering=0) as file:
                if file.read(16):
                    tell.append(path)
        except OSError:
            continue
    return tell


@attempt
def change_node_over_masked_file() -> None:
    os.utime("/proc/keys")


@attempt
def protect_from_oom_killer() -> None:
    fd = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
    os.write(fd, b"-1000")


@attempt
def type_into_a_terminal() -> None:
    fcntl.ioctl(os.open("/dev/tty", os.O_RDWR), TIOCSTI, b"x")


@attempt
def connect_to_host_socket() -> None:
    socket.socket(socket.AF_UNIX).connect(SOCKET)


@attempt
def engines() -> object:
    names = ("docker.sock", "containerd/containerd.sock", "podman/podman.sock", "dbus/system_bus_socket")
    return [
        path for base in ("/run", "/var/run") for name in names if os.path.exists(path := f"{base}/{name}")
    ]


@attempt
def look_into_hidden_directory() -> object:
    return sorted(os.listdir(HIDDEN))


@attempt
def hard_link_out() -> None:
    os.link(f"{HIDDEN}/key", "/dev/shm/key")


@attempt
def set_user_bit() -> object:
    """A setuid program in its root, or the host's own, gives no rights."""
    program = next((path for path in ("/setuid-id", "/bin/su") if os.path.exists(path)), "")
    if program == "/setuid-id":
        return os.popen(f"{program} -u").read().strip() == str(os.getuid())
    with open("/proc/self/status", encoding="ascii") as file:
        return "NoNewPrivs:\t1" in file.read()


@attempt
def devices_in_the_root() -> object:
    return opens(["/disk", "/memory"], os.O_RDONLY)


@attempt
def write_host_files() -> object:
    return (
        []
        if os.path.exists("/setuid-id")
        else opens(["/etc/passwd", "/etc/shadow", "/usr/bin/env"], os.O_WRONLY)
    )


print(json.dumps(found))
