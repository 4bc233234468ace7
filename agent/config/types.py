"""How values of the configuration are written, and what marks a part of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec


@dataclass(frozen=True, slots=True)
class Unit:
    """How a number is written in the file: `duration`, `size` or `path` (relative to the file)."""

    kind: str


@dataclass(frozen=True, slots=True)
class Internal:
    """Marks what is filled in by the loader and is no key of the file."""


@dataclass(frozen=True, slots=True)
class Variants:
    """Marks a mapping whose key `type` says which struct it is: `kinds` gives the struct of each type."""

    kinds: Callable[[], Mapping[str, type[Section]]]


Duration = Annotated[float, Unit("duration")]
Size = Annotated[int, Unit("size")]
Path = Annotated[str, Unit("path")]
Count = Annotated[int, msgspec.Meta(ge=1)]
Switch = bool | Literal["auto"]


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the configuration."""
