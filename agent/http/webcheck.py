"""Reads a web configuration file and says all that is wrong with it, by line and key, before any of it is used."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Callable, Iterator

from agent.config.decode import Decoder
from agent.config.file import Problem, Reader, Tree
from agent.http.ciphers import SUITES, SUITES_13
from agent.http.webfile import Http, RateLimit, Tls, WebFile
from runtime.linux.errors import DeckwatchError

# bcrypt: version, cost, 22 characters of salt whose last one carries two bits, 31 of digest.
_HASH = re.compile(r"\$2[aby]\$(?P<cost>\d\d)\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{31}")
LEAST_COST, MOST_COST = 4, 16
# Headers that may be set, with the values they may have; () when any will do.
HEADERS: dict[str, tuple[str, ...]] = {
    "Strict-Transport-Security": (),
    "X-Content-Type-Options": ("nosniff",),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-XSS-Protection": (),
    "Content-Security-Policy": (),
}
# Ways of asking for certificates that Python's ssl module does not have, and what comes nearest.
UNVERIFIED = {
    "RequestClientCert": "VerifyClientCertIfGiven or NoClientCert",
    "RequireAnyClientCert": "RequireAndVerifyClientCert",
    "RequireClientCert": "RequireAndVerifyClientCert",
}
VERIFIED = ("VerifyClientCertIfGiven", "RequireAndVerifyClientCert")


class WebConfigError(DeckwatchError):
    """A web configuration that cannot be used; one line for each reason."""


def read(path: str) -> tuple[WebFile, Tree]:
    """The settings of a file and where each stands; raises WebConfigError with every reason.

    Relative paths count from the file's directory. The files that it names are not looked at.
    """
    reader = Reader(os.environ, [])
    tree = reader.read_file(path)
    if tree is None and not reader.problems:
        # Also what a reader sees of a file that is just being written.
        raise WebConfigError(f"{path}: is empty; it needs one of {', '.join(WebFile.__struct_fields__)}")
    file = Decoder(reader.problems).decode(tree, WebFile, "") if tree is not None else None
    if isinstance(file, WebFile) and tree is not None:
        reader.problems += problems(file, tree)
    if reader.problems or not isinstance(file, WebFile) or tree is None:
        raise WebConfigError("\n".join(str(one) for one in reader.problems))
    return file, tree


# names from the top of the file, what is wrong, the nearest right word
Finding = tuple[tuple[str, ...], str, str]


def problems(file: WebFile, tree: Tree) -> list[Problem]:
    """Everything that is wrong beyond types, each at the line it stands on."""
    findings = [
        *(_below("tls_server_config", _tls(file.tls)) if file.tls is not None else ()),
        *_below("http_server_config", _headers(file.http_server_config)),
        *_below("basic_auth_users", _users(file.basic_auth_users)),
        *_below("rate_limit", _rate_limit(file.rate_limit, locate(tree, ("rate_limit", "interval")))),
    ]
    return [
        locate(tree, names).problem(".".join(names), message, nearest) for names, message, nearest in findings
    ]


def _below(section: str, findings: Iterator[Finding]) -> Iterator[Finding]:
    return (((section, *names), message, nearest) for names, message, nearest in findings)


def locate(tree: Tree, names: tuple[str, ...]) -> Tree:
    """The value under some names, or the nearest one above it."""
    for name in names:
        if not isinstance(tree.value, dict) or name not in tree.value:
            break
        tree = tree.value[name]
    return tree


def _tls(tls: Tls) -> Iterator[Finding]:
    for check in _TLS:
        yield from check(tls)


def _pair(tls: Tls) -> Iterator[Finding]:
    for name in ("cert", "key"):
        inline, path = getattr(tls, name), getattr(tls, f"{name}_file")
        if not inline and not path:
            yield (), f"needs {name}_file or {name}", ""
    for name in ("cert", "key", "client_ca"):
        if getattr(tls, name) and getattr(tls, f"{name}_file"):
            yield (name,), f"stands beside {name}_file; give one of them", ""


def _clients(tls: Tls) -> Iterator[Finding]:
    kind = tls.client_auth_type
    authorities = bool(tls.client_ca or tls.client_ca_file)
    if kind in UNVERIFIED:
        yield (
            ("client_auth_type",),
            f"{kind} cannot be had here: certificates that are asked for are always verified; use {UNVERIFIED[kind]}",
            "",
        )
    elif kind in VERIFIED and not authorities:
        yield (
            ("client_auth_type",),
            f"{kind} needs client_ca_file or client_ca: whose certificates are good is not left to this host's list",
            "",
        )
    elif kind not in VERIFIED and authorities:
        name = "client_ca_file" if tls.client_ca_file else "client_ca"
        yield (name,), "has no use without client_auth_type: RequireAndVerifyClientCert", ""


def _names(tls: Tls) -> Iterator[Finding]:
    if tls.client_allowed_sans is None:
        return
    if not tls.client_allowed_sans:
        yield (
            ("client_allowed_sans",),
            "is empty, so that nobody would come in; name some, or leave it out",
            "",
        )
    elif not tls.requires_certificates and tls.client_auth_type not in UNVERIFIED:
        yield ("client_allowed_sans",), "needs client_auth_type: RequireAndVerifyClientCert", ""


def _suites(tls: Tls) -> Iterator[Finding]:
    known = (*SUITES, *SUITES_13)
    for suite in tls.cipher_suites:
        if suite not in known:
            near = difflib.get_close_matches(suite, known, n=1, cutoff=0.5)
            yield ("cipher_suites",), f"there is no suite {suite[:80]!r}", near[0] if near else ""
    chosen = [suite for suite in SUITES_13 if suite in tls.cipher_suites]
    if chosen and len(chosen) < len(SUITES_13):
        yield (
            ("cipher_suites",),
            f"suites of TLS 1.3 cannot be chosen one by one here; name all of {', '.join(SUITES_13)}, or none",
            "",
        )
    if len(chosen) == len(tls.cipher_suites) > 0 and tls.max_version != "TLS13":
        yield ("cipher_suites",), f"has suites of TLS 1.3 alone, but max_version is {tls.max_version}", ""


def _curves(tls: Tls) -> Iterator[Finding]:
    if len(tls.curve_preferences) > 1:
        yield (
            ("curve_preferences",),
            "more than one curve cannot be chosen here; name one, or leave it out for all of them",
            "",
        )


def _versions(tls: Tls) -> Iterator[Finding]:
    if tls.min_version > tls.max_version:
        yield ("min_version",), f"{tls.min_version} is above max_version {tls.max_version}", ""


_TLS: tuple[Callable[[Tls], Iterator[Finding]], ...] = (
    _pair,
    _clients,
    _names,
    _suites,
    _curves,
    _versions,
)


def _headers(http: Http) -> Iterator[Finding]:
    for name, value in http.headers.items():
        where = ("headers", name)
        if name not in HEADERS:
            near = difflib.get_close_matches(name, HEADERS, n=1, cutoff=0.5)
            yield where, f"cannot be set; there are {', '.join(HEADERS)}", near[0] if near else ""
        elif value and not (value.isascii() and value.isprintable()):
            yield where, "may hold printable ASCII only", ""
        elif value and HEADERS[name] and value not in HEADERS[name]:
            yield where, f"{value[:80]!r} is no value of it; use {' or '.join(HEADERS[name])}", ""


def _users(users: dict[str, str]) -> Iterator[Finding]:
    """What is wrong with a hash never shows it: it may be a password that somebody forgot to hash."""
    for name, stored in users.items():
        found = _HASH.fullmatch(stored)
        if not name or ":" in name:
            yield (name,), "a user's name cannot be empty or hold a colon", ""
        if found is None:
            yield (name,), "is no bcrypt hash ($2a$, $2b$ or $2y$); make one: htpasswd -nBC 10 NAME", ""
        elif not LEAST_COST <= int(found["cost"]) <= MOST_COST:
            cost = int(found["cost"])
            yield (
                (name,),
                f"has cost {cost}, not {LEAST_COST} to {MOST_COST}; make it anew: htpasswd -nBC 10 NAME",
                "",
            )


def _rate_limit(limit: RateLimit, interval: Tree) -> Iterator[Finding]:
    if limit.interval and isinstance(interval.value, int | float):
        yield ("interval",), "needs its unit, such as 100ms or 1s", ""
    if limit.interval and not limit.burst:
        yield ("burst",), "must be 1 or more: a burst of 0 refuses every request", ""
