"""Label text of a file system: what is mounted, and where; both may be named by a container."""

from __future__ import annotations

_LONGEST = 256
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def suffix(device: str, mountpoint: str | None = None) -> str:
    """`,device="/dev/sda1"`, for a volume with `,mountpoint="/data"`: escaped, valid Unicode, cut to 256 characters."""
    text = f',device="{_fit(device)}"'
    return text if mountpoint is None else f'{text},mountpoint="{_fit(mountpoint)}"'


def _fit(value: str) -> str:
    if len(value) > _LONGEST:
        value = value[: _LONGEST - 1] + "…"
    value = value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return value.translate(_ESCAPES)
