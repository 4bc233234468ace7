"""What systemd's unit files say a unit is: its Description, from fragment, template and drop-ins.

Read as systemd reads them, in the order of its directories, but only this one key and only so much of each file.
Source: systemd.unit(5), "Unit File Load Path", "Specifiers" and the part about drop-in directories.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator

from runtime.linux.paths import open_in_root

# The earlier goes before the later.
DIRECTORIES = (
    "etc/systemd/system.control",
    "run/systemd/system.control",
    "run/systemd/transient",
    "run/systemd/generator.early",
    "etc/systemd/system",
    "etc/systemd/system.attached",
    "run/systemd/system",
    "run/systemd/system.attached",
    "run/systemd/generator",
    "usr/local/lib/systemd/system",
    "usr/lib/systemd/system",
    "lib/systemd/system",
    "run/systemd/generator.late",
)
LONGEST = 256
_FILE_LIMIT = 64 << 10
_MOST_DROP_INS = 32

_SPECIFIER = re.compile(r"%(.)")
_ESCAPED = re.compile(r"\\x([0-9a-f]{2})")


def description(unit: str, root: str = "/") -> str:
    """The Description of a unit, such as `ssh.service` or `getty@tty1.service`; empty when there is none.

    `root` is where the host's root file system is; symbolic links stay inside it. Reads the disk: not for the
    event loop.
    """
    found = ""
    with contextlib.suppress(OSError), _directory(root) as top:
        for path in (_fragment(top, unit), *_drop_ins(top, unit)):
            told = described(_content(top, path)) if path else None
            found = found if told is None else told
    return specified(found, unit)[:LONGEST]


def described(content: str) -> str | None:
    """The last Description= of a file's [Unit] section; None when it has none, empty when it takes one back."""
    found, section = None, ""
    for line in _logical_lines(content):
        if line.startswith("["):
            section = line
        elif section == "[Unit]":
            key, separator, value = line.partition("=")
            if separator and key.rstrip() == "Description":
                found = value.strip()
    return found


def specified(text: str, unit: str) -> str:
    """A text with its specifiers replaced by the parts of the unit's name; unknown ones stay."""
    stem = unit.rpartition(".")[0]
    prefix, _, instance = stem.partition("@")
    last = prefix.rpartition("-")[2]
    parts = {"%": "%", "n": unit, "N": stem, "p": prefix, "P": _plain(prefix), "i": instance}
    parts |= {"I": _plain(instance), "j": last, "J": _plain(last)}
    return _SPECIFIER.sub(lambda found: parts.get(found[1], found[0]), text)


def templates(unit: str) -> list[str]:
    """Names whose drop-in directories a unit has, the most general first: `service`, `a-.service`, itself."""
    stem, _, kind = unit.rpartition(".")
    prefix, at, _ = stem.partition("@")
    dashes = [index for index, character in enumerate(prefix) if character == "-"]
    names = [kind, *(f"{prefix[: index + 1]}{at}.{kind}" for index in dashes if index + 1 < len(prefix))]
    return [*names, f"{prefix}@.{kind}", unit] if at else [*names, unit]


def _plain(text: str) -> str:
    """A part of a name as it was before it was escaped: `-` stands for `/`."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text.replace("-", "/"))


def _logical_lines(content: str) -> Iterator[str]:
    """Lines without comments, those that end with a backslash joined with the next."""
    whole = ""
    for line in content.split("\n"):
        if line.lstrip().startswith(("#", ";")):
            continue
        if line.endswith("\\"):
            whole += line[:-1] + " "
            continue
        yield (whole + line).strip()
        whole = ""


def _fragment(top: int, unit: str) -> str:
    prefix, at, rest = unit.partition("@")
    template = f"{prefix}@.{rest.rpartition('.')[2]}" if at else unit
    for name in dict.fromkeys((unit, template)):
        for directory in DIRECTORIES:
            if _exists(top, f"{directory}/{name}"):
                return f"{directory}/{name}"
    return ""


def _drop_ins(top: int, unit: str) -> list[str]:
    """Drop-ins in the order they are applied; of several with one name the last directory's is found first."""
    found: dict[str, str] = {}
    for name in templates(unit):
        for directory in reversed(DIRECTORIES):
            for file in _listed(top, f"{directory}/{name}.d"):
                if file.endswith(".conf"):
                    found[file] = f"{directory}/{name}.d/{file}"
    return [found[file] for file in sorted(found)][:_MOST_DROP_INS]


@contextlib.contextmanager
def _directory(root: str) -> Iterator[int]:
    top = os.open(root or "/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield top
    finally:
        os.close(top)


def _exists(top: int, path: str) -> bool:
    try:
        os.close(open_in_root(top, path))
    except OSError:
        return False
    return True


def _listed(top: int, path: str) -> list[str]:
    try:
        descriptor = open_in_root(top, path, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return []
    try:
        return os.listdir(descriptor)
    except OSError:
        return []
    finally:
        os.close(descriptor)


def _content(top: int, path: str) -> str:
    """The beginning of a file; empty when it cannot be read."""
    try:
        descriptor = open_in_root(top, path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return ""
    try:
        return os.read(descriptor, _FILE_LIMIT).decode("utf-8", "replace")
    except OSError:
        return ""
    finally:
        os.close(descriptor)
