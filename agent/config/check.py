"""What a configuration may not say although each value has the right type."""

from __future__ import annotations

import difflib
import ipaddress
import os
from collections.abc import Callable, Iterator

from agent.config.file import Problem, Tree
from agent.config.settings import Config
from runtime.supervision.spec import replica_name

SOCKET_PATH_MAX = 107  # sun_path holds 108 bytes with its end
NOT_YET = "is not implemented in this version"

# Keys that the schema has and this version does not do: a value other than these is refused.
UNIMPLEMENTED: dict[str, tuple[object, ...]] = {
    "paths.sys": ("/sys",),
    "paths.rootfs": ("/",),
    "query.peers": (None,),
    "runtime.engine": ("builtin",),
    "runtime.storage": ("auto",),
}


def problems(config: Config, tree: Tree) -> list[Problem]:
    """Everything that is wrong beyond types, each at the line it stands on."""
    return [
        locate(tree, key).problem(key, message, nearest)
        for check in CHECKS
        for key, message, nearest in check(config)
    ]


def locate(tree: Tree, key: str) -> Tree:
    """The part of the tree that a key names, or the nearest one above it."""
    for name in key.replace("[", ".[").split("."):
        if isinstance(tree.value, dict) and name in tree.value:
            tree = tree.value[name]
        elif isinstance(tree.value, list) and name[:1] == "[" and int(name[1:-1]) < len(tree.value):
            tree = tree.value[int(name[1:-1])]
        else:
            break
    return tree


Finding = tuple[str, str, str]


def _unimplemented(config: Config) -> Iterator[Finding]:
    for key, allowed in UNIMPLEMENTED.items():
        value: object = config
        for name in key.split("."):
            value = getattr(value, name)
        if not any(value == one and isinstance(value, bool) == isinstance(one, bool) for one in allowed):
            shown = " or ".join(_shown(one) for one in allowed)
            yield key, f"{NOT_YET}; leave it at {shown}", ""


def _shown(value: object) -> str:
    plain = {None: "null", True: "true", False: "false"}
    if isinstance(value, bool) or value is None:
        return plain[value]
    return "[]" if value == () else str(value)


def _collectors(config: Config) -> Iterator[Finding]:
    known = collector_names() if config.metrics.collectors else set()
    for name in config.metrics.collectors:
        key = f"metrics.collectors.{name}"
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            message = (
                "no such collector" if near else f"no such collector; there are {', '.join(sorted(known))}"
            )
            yield key, message, near[0] if near else ""


def _drop(config: Config) -> Iterator[Finding]:
    for index, text in enumerate(config.metrics.drop):
        if "{" in text:
            yield f"metrics.drop[{index}]", f"a selector here {NOT_YET}; give globs of family names", ""


def collector_names() -> set[str]:
    """Switches that `metrics.collectors` may name."""
    from collectors.metrics import catalogue

    return set(catalogue.SWITCHES)


def _server(config: Config) -> Iterator[Finding]:
    for index, text in enumerate(config.server.listen):
        try:
            split_address(text)
        except ValueError as error:
            yield f"server.listen[{index}]", str(error), ""
        if text in config.server.listen[:index]:
            yield f"server.listen[{index}]", f"{text} stands here twice", ""
    length = len(os.fsencode(config.server.socket))
    if length > SOCKET_PATH_MAX:
        yield (
            "server.socket",
            f"{config.server.socket} has {length} bytes, a socket's path at most {SOCKET_PATH_MAX}; "
            "choose a shorter one",
            "",
        )


def split_address(text: str) -> tuple[str, int]:
    """Host and port of `HOST:PORT` or `[IPV6]:PORT`; an empty host is every address. Raises ValueError."""
    host, colon, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = str(ipaddress.IPv6Address(host[1:-1]))
    elif ":" in host:
        raise ValueError(f"{text!r}: write an IPv6 address in brackets, such as [::1]:9780")
    if not colon or not port.isascii() or not port.isdigit() or not 0 <= int(port) <= 65535:
        raise ValueError(f"{text!r} is no address; write it like 127.0.0.1:9780")
    return host, int(port)


def _paths(config: Config) -> Iterator[Finding]:
    parent = config.runtime.cgroup_parent
    if not parent.startswith("/") or parent == "/" or os.path.normpath(parent) != parent:
        yield "runtime.cgroup_parent", f"{parent!r} must be an absolute cgroup path such as /deckwatch", ""
    if config.paths.state == config.paths.run:
        yield "paths.run", "must differ from paths.state: a reboot invalidates one of them alone", ""
    if not config.node:
        yield "node", "must not be empty", ""


def _workloads(config: Config) -> Iterator[Finding]:
    owners: dict[str, str] = {}
    replicas: dict[str, str] = {}
    for path, specs in config.workload_files.items():
        for spec in specs:
            if spec.name in owners:
                yield "workloads", f"{spec.name} stands in {owners[spec.name]} and in {path}; remove one", ""
            owners[spec.name] = path
            replicas |= {replica_name(spec.name, index + 1): spec.name for index in range(spec.replicas)}
    for name in owners.keys() & replicas.keys():
        yield "workloads", f"{name} is also the name of a replica of {replicas[name]}; rename one", ""


def _selectors(config: Config) -> Iterator[Finding]:
    if not config.inventory.include and not config.inventory.exclude:
        return
    from agent.selectors import SelectorError  # who has no selector does not pay for their engine
    from agent.selectors import parse as parse_selector

    for key, texts in (
        ("inventory.include", config.inventory.include),
        ("inventory.exclude", config.inventory.exclude),
    ):
        for index, text in enumerate(texts):
            try:
                parse_selector(text)
            except SelectorError as error:
                yield f"{key}[{index}]", str(error), ""


def _logs(config: Config) -> Iterator[Finding]:
    if not config.logs.rules and not config.logs.sinks:
        return
    from agent.logs.rules import problems as problems_of_rules  # who has neither does not pay for it

    for key, text in problems_of_rules(config.logs):
        yield key, text, ""


CHECKS: tuple[Callable[[Config], Iterator[Finding]], ...] = (
    _unimplemented,
    _collectors,
    _drop,
    _server,
    _paths,
    _workloads,
    _selectors,
    _logs,
)
