"""Go's Sprintf, as far as templates need it."""

from __future__ import annotations

import re

from collectors.logs.logql.strings import quote
from collectors.logs.logql.values import Value, bounded, text_of

_MAX_WIDTH = 1000
_VERB = re.compile(r"%(?:(%)|([-+ 0#]*)(\d*)(?:\.(\d+))?([A-Za-z]))")


def printed(form: str, *values: Value) -> str:
    """%s %v %d %f %g %e %q %x %t with flags, width and precision; raises ValueError for other verbs."""
    waiting = list(values)

    def shown(found: re.Match[str]) -> str:
        percent, flags, width, precision, verb = found.groups()
        if percent:
            return "%"
        if int(width or 0) > _MAX_WIDTH or int(precision or 0) > _MAX_WIDTH:
            raise ValueError(f"widths above {_MAX_WIDTH} are not understood")
        if verb not in "svdfgeqxt":
            raise ValueError(f"printf's %{verb} is not understood")
        if not waiting:
            return f"%!{verb}(MISSING)"
        return _verb(flags, width, precision, verb, waiting.pop(0))

    text = _VERB.sub(shown, form)
    bounded(len(text))
    return text


def _verb(flags: str, width: str, precision: str | None, verb: str, value: Value) -> str:
    point = f".{precision}" if precision else ""
    if verb in "dx" and isinstance(value, int):
        return f"%{flags}{width}{verb}" % value
    if verb in "feg" and isinstance(value, float):
        return f"%{flags}{width}{point}{verb}" % value
    if verb in "dfegx" and not (verb == "x" and isinstance(value, str)):
        kind = "string" if isinstance(value, str) else "float64" if isinstance(value, float) else "int"
        return f"%!{verb}({kind}={text_of(value)})"
    text = text_of(value)
    if verb == "x":
        text = text.encode().hex()
    if verb == "q":
        text = quote(text)
    return f"%{flags.replace('0', '')}{width}{point}s" % text
