"""What `ps` shows as the command line of this process and of those forked from it.

The kernel shows the memory where the arguments were laid down at execve, up to the first NUL once the byte
before its end is none: text written there replaces the whole command line. Source: proc_pid_cmdline(5).
"""

from __future__ import annotations

import ctypes
import os

_ARGUMENTS_START = 47
_MARK = b"."


class Title:
    """The argument memory of this process; nothing is known of it, and nothing changed, before `find`."""

    start = 0
    size = 0
    subject = ""


def find(proc: str = "/proc") -> None:
    """Learn where the arguments lie (fields 48 and 49 of /proc/self/stat); processes forked later know it too."""
    file = os.open(f"{proc}/self/stat", os.O_RDONLY | os.O_CLOEXEC)
    content = os.read(file, 4096)
    os.close(file)
    # The command stands in parentheses and may hold anything, so count fields from the last one.
    fields = content[content.rindex(b")") + 2 :].split()
    start, end = map(int, fields[_ARGUMENTS_START - 2 : _ARGUMENTS_START])
    Title.start, Title.size = start, max(0, end - start)


def set_title(role: str, subject: str = "") -> None:
    """Show `ROLE SUBJECT`, cut to the room there is; without a subject that of the process it was forked from."""
    Title.subject = subject or Title.subject
    if Title.size < 2:
        return
    text = f"{role} {Title.subject}".strip().encode()[: Title.size - 2]
    ctypes.memmove(Title.start, text.ljust(Title.size - 1, b"\0") + _MARK, Title.size)
