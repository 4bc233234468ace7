"""Every key of the configuration with its default; the text under a key is its documentation.

Durations are seconds and sizes are bytes once loaded. The reference in docs/configuration.md and
`deckwatch config schema` are made from this file.
"""

from __future__ import annotations

import os
import socket
from typing import Annotated, Literal

import msgspec

from agent.config.logsettings import Logs
from agent.config.types import Count, Duration, Internal, Path, Section, Size, Switch
from runtime.supervision.spec import WorkloadSpec


def _user_directory(variable: str, fallback: str) -> str:
    base = os.environ.get(variable, "")
    return os.path.join(base, "deckwatch") if os.path.isabs(base) else os.path.expanduser(fallback)


def default_state() -> str:
    """Where what must survive a reboot lies, for this user."""
    if os.geteuid() == 0:
        return "/var/lib/deckwatch"
    return _user_directory("XDG_STATE_HOME", "~/.local/state/deckwatch")


def default_run() -> str:
    """Where sockets and pids lie, for this user."""
    if os.geteuid() == 0:
        return "/run/deckwatch"
    return _user_directory("XDG_RUNTIME_DIR", f"/tmp/deckwatch-{os.geteuid()}")


def default_file() -> str:
    """Where the configuration is looked for when none is named."""
    if os.geteuid() == 0:
        return "/etc/deckwatch/deckwatch.yaml"
    return os.path.join(_user_directory("XDG_CONFIG_HOME", "~/.config/deckwatch"), "deckwatch.yaml")


def _node() -> str:
    return os.environ.get("NODE_NAME") or socket.gethostname()


class Server(Section, frozen=True):
    """Where the agent answers, and whom."""

    listen: tuple[str, ...] = ("127.0.0.1:9780",)
    """TCP addresses, `HOST:PORT` or `[IPV6]:PORT`. A loopback address also serves containers, logs and
    events; any other serves only `/metrics`, `/sd/targets` and the health paths unless
    `tokens_file` or `web_config_file` says who may ask."""
    socket: Path = ""
    """Unix socket with full rights, mode 0600; its peer must be root or the agent's user. Empty:
    `deckwatch.sock` in `paths.run`."""
    socket_group: str | None = None
    """A group whose members may use the socket as well (mode 0660)."""
    web_config_file: Path | None = None
    """Prometheus exporter-toolkit file with TLS, client certificates, basic authentication, headers and a rate
    limit for every TCP address (docs/operate.md); read again when it or a file that it names changes."""
    tokens_file: Path | None = None
    """YAML or JSON file of bearer tokens with their rights (`metrics`, `logs`, `events`, `control`); read
    again when it changes. With it every TCP request beyond the health paths needs a token, or a user of
    `web_config_file`."""
    max_connections: Count = 200
    """TCP connections served at once, over all listeners; further ones get 503, during a
    TLS handshake they are closed instead."""
    max_streams: Count = 32
    """Live streams (logs and events) served at once; further ones get 503."""


class Paths(Section, frozen=True):
    """Where the host's and the agent's own files are."""

    proc: Path = "/proc"
    """The host's procfs."""
    sys: Path = "/sys"
    """The host's sysfs. Another place is not in this version."""
    rootfs: Path = "/"
    """The host's root file system, as the agent sees it. Another place is not in this version."""
    state: Path = msgspec.field(default_factory=default_state)
    """What must survive a reboot: desired state, exit records, events, positions, workload logs. For an
    ordinary user `$XDG_STATE_HOME/deckwatch`, else `~/.local/state/deckwatch`."""
    run: Path = msgspec.field(default_factory=default_run)
    """What a reboot invalidates: sockets, FIFOs, pids. For an ordinary user `$XDG_RUNTIME_DIR/deckwatch`,
    else `/tmp/deckwatch-UID`."""


class Docker(Section, frozen=True):
    """Containers of Docker."""

    enabled: Switch = "auto"
    """`auto`: when its socket is there, also when it appears later."""
    socket: Path = "/var/run/docker.sock"
    """Docker's API socket."""


class Containerd(Section, frozen=True):
    """Containers of containerd, in all its namespaces but Docker's."""

    enabled: Switch = "auto"
    """`auto`: when its state directory is there, also when it appears later."""
    socket: Path = "/run/containerd/containerd.sock"
    """Its API socket, which also serves the kubelet's CRI. Without rights to it names come from `state`."""
    state: Path = "/run/containerd"
    """Its state directory, with a bundle for each task."""
    root: Path = "/var/lib/containerd"
    """Its root directory."""


class Crio(Section, frozen=True):
    """Containers of CRI-O."""

    enabled: Switch = "auto"
    """`auto`: when its socket or storage is there, also when it appears later."""
    socket: Path = "/var/run/crio/crio.sock"
    """Its CRI socket."""
    root: Path = "/var/lib/containers/storage"
    """Its storage (`graphroot`)."""
    run: Path = "/run/containers/storage"
    """Its storage's run directory (`runroot`)."""


class Podman(Section, frozen=True):
    """Containers of Podman."""

    enabled: Switch = "auto"
    """`auto`: when its storage is there, also when it appears later."""
    socket: Path = "/run/podman/podman.sock"
    """Its API socket, which serves only where podman.socket is enabled; names come from storage without it."""
    root: Path = "/var/lib/containers/storage"
    """Its storage (`graphroot`)."""
    run: Path = "/run/containers/storage"
    """Its storage's run directory (`runroot`)."""


class Kubernetes(Section, frozen=True):
    """What Kubernetes knows of this node's pods: labels, owners, restart counts."""

    enabled: Switch = "auto"
    """`auto`: in a pod with a service account, or where a kubelet's pod cgroups are."""
    kubelet: str = ""
    """URL of the kubelet, such as `https://$NODE_IP:10250` or, read-only, `http://127.0.0.1:10255`. Empty: not asked."""
    api_server: str = ""
    """URL of the API server, whose pods of this node are watched. Empty: in a pod the cluster's own, unless
    `kubelet` is given."""
    token_file: Path = "/var/run/secrets/kubernetes.io/serviceaccount/token"
    """Bearer token for both; read again when it changes."""
    ca_file: Path = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"
    """Certificates that both must be signed by."""
    insecure_skip_verify: bool = False
    """Whether the kubelet's certificate is not verified, as it is often signed by itself."""


class Systemd(Section, frozen=True):
    """Services and slices of systemd."""

    enabled: Switch = "auto"
    """`auto`: where systemd manages the host's cgroups."""


class Machines(Section, frozen=True):
    """Containers of systemd-nspawn and LXC, told by their cgroups."""

    enabled: Switch = "auto"
    """`auto`: as soon as there is one."""


class PlainCgroups(Section, frozen=True):
    """Cgroups that no engine claims, such as services of the host."""

    enabled: bool = True
    """Whether `include` is looked at."""
    include: tuple[str, ...] = ()
    """Globs of cgroup paths, such as `/system.slice/*.service`; a selected one is exported even when
    empty."""


class Inventory(Section, frozen=True):
    """Who is running: which sources are asked and which containers are left out."""

    docker: Docker = Docker()
    containerd: Containerd = Containerd()
    crio: Crio = Crio()
    podman: Podman = Podman()
    kubernetes: Kubernetes = Kubernetes()
    systemd: Systemd = Systemd()
    machines: Machines = Machines()
    cgroup: PlainCgroups = PlainCgroups()
    include: tuple[str, ...] = ()
    """Selectors such as `{engine="docker"}`; when given, a container must match one of them."""
    exclude: tuple[str, ...] = ()
    """Selectors of containers to leave out altogether."""


class Disk(Section, frozen=True):
    """How file systems are looked at: the collectors `disk` and `disk_walk`."""

    period: Duration = 60.0
    """How often limits, inodes and what quotas count are read; at least a second passes between looks."""
    volumes: Annotated[int, msgspec.Meta(ge=0)] = 16
    """Volumes told per container, in the order of their mounting; further ones are left out."""
    walk_period: Duration = 600.0
    """`disk_walk`: how long after its last walk a writable layer is walked again."""
    walk_limit: Duration = 300.0
    """`disk_walk`: a walk that takes longer is given up, the layer's use is absent, and it is left in peace for
    six periods."""
    walk_rate: Count = 2000
    """`disk_walk`: files and directories looked at in a second, over all containers."""
    walk_share: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.05
    """`disk_walk`: share of one processor that walks may take, waiting for the disk included."""


class Metrics(Section, frozen=True):
    """What `/metrics` holds."""

    collectors: dict[str, bool] = msgspec.field(default_factory=dict)
    """Collectors to switch on or off by the names in docs/metrics.md; the others keep their default."""
    container_labels: tuple[str, ...] = (
        "com.docker.compose.project",
        "com.docker.compose.service",
        "app.kubernetes.io/name",
    )
    """Container labels that `container_info` carries, as `container_label_x_y`."""
    series_labels: tuple[str, ...] = ()
    """Container labels that every series carries, as `container_label_x_y`."""
    drop: tuple[str, ...] = ()
    """Metric families to leave out: globs of names such as `container_fs_*`."""
    series_limit: Count = 400_000
    """Series of what containers use in one exposition. Beyond it a container with more than an equal share
    loses families, those with most series first; `deckwatch_series_dropped_total` counts them."""
    final_urgency: bool = True
    """Whether the threads that take final readings run as real time of the lowest priority, as the end of a
    container leaves them a few milliseconds; needs CAP_SYS_NICE. Scrapes and all else are ordinary work."""
    keep_final: Duration = 120.0
    """How long a dead container's counters stay at their final value."""
    keep_dead: Duration = 900.0
    """How long a dead container stays listed, with its lifecycle series."""
    disk: Disk = Disk()


class Query(Section, frozen=True):
    """What one question to the logs may cost."""

    max_bytes: Size = 2 << 30
    """Bytes of log files that one query may read."""
    timeout: Duration = 30.0
    """How long one query may take."""
    concurrency: Count = 2
    """Queries that run at once; further ones wait, then are refused."""
    peers: str | None = None
    """Other agents that a query is fanned out to. Not in this version."""


class Runtime(Section, frozen=True):
    """The agent's own workloads."""

    enabled: Switch = "auto"
    """`auto`: when this host and these rights can run workloads; `deckwatch doctor` says why not."""
    engine: str = "builtin"
    """What starts a workload: `builtin`. Any other value is refused: not in this version."""
    storage: str = "auto"
    """Where root file systems of images lie. Any value but `auto` is refused: not in this version."""
    cgroup_parent: str = "/deckwatch"
    """Cgroup under which workloads, zygote and monitors live. Two agents on one host need different ones."""
    on_exit: Literal["keep", "stop"] = "keep"
    """What becomes of the workloads when the agent ends: they go on, or they are stopped."""


class Discovery(Section, frozen=True):
    """`/sd/targets` for Prometheus' http_sd."""

    prefix: str = "prometheus.io"
    """Prefix of the labels and annotations `…/scrape`, `…/port`, `…/path`, `…/scheme`."""
    host_address: str = "127.0.0.1"
    """Address of targets in the host's network."""


class Events(Section, frozen=True):
    """Lifecycle events."""

    max_events: Count = 10_000
    """Events kept on disk; the oldest go first."""


class Logging(Section, frozen=True):
    """The agent's own log, on standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """Least level that is written."""
    format: Literal["auto", "console", "json"] = "auto"
    """`auto`: for people on a terminal, JSON lines elsewhere."""


class Config(Section, frozen=True):
    """The whole configuration."""

    # `file` is where it came from, `workload_files` tells which file owns which workloads.

    node: str = msgspec.field(default_factory=_node)
    """Name of this host in labels and records; `$NODE_NAME`, else the host name."""
    external_labels: dict[str, str] = msgspec.field(default_factory=dict)
    """Labels of this host on everything that is shipped."""
    server: Server = Server()
    paths: Paths = msgspec.field(default_factory=Paths)
    inventory: Inventory = Inventory()
    metrics: Metrics = Metrics()
    logs: Logs = Logs()
    query: Query = Query()
    runtime: Runtime = Runtime()
    discovery: Discovery = Discovery()
    events: Events = Events()
    logging: Logging = Logging()
    workloads: tuple[WorkloadSpec, ...] = ()
    """Workloads to keep running; docs/workloads.md tells their keys."""
    workloads_dir: Path = "/etc/deckwatch/workloads.d"
    """Directory of further workload files (`*.yaml`), each a list or a mapping with `workloads:`."""
    file: Annotated[str | None, Internal()] = None
    workload_files: Annotated[dict[str, tuple[WorkloadSpec, ...]], Internal()] = msgspec.field(
        default_factory=dict
    )
