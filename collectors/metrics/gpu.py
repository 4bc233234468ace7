"""NVIDIA processors by NVML, attributed to containers by the processes that use them.

Source: NVML API reference. The library is looked for when the collector is probed, and only then is its
binding imported; calls into a driver that hangs are left behind by the crew.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

from collectors.metrics.catalogue import GPU
from collectors.metrics.crew import Crew, Stuck
from collectors.metrics.plan import Host
from collectors.metrics.rows import Number, Value
from collectors.metrics.survey import Subject, Survey
from collectors.metrics.surveyor import Surveyor
from collectors.metrics.target import ROOT
from runtime.linux.errors import NotSupported
from runtime.linux.hierarchies import Hierarchies

LIBRARY = "libnvidia-ml.so.1"
_PERIOD = 10.0


class Device(NamedTuple):
    """One processor now: its labels, how busy it is in percent, its memory in bytes, and who uses how much of it."""

    suffix: str
    busy: int | None
    total: int
    used: int
    processes: dict[int, int]


class Driver(Protocol):
    """Who knows the processors."""

    def devices(self) -> list[Device]:
        """All processors now; raises OSError when the driver says no."""


def survey(host: Host) -> Survey:
    """Rounds over the processors; NotSupported without the library or without a processor."""
    try:
        ctypes.CDLL(LIBRARY)
    except OSError:
        raise NotSupported(f"{LIBRARY} is not here, so there is no NVIDIA driver") from None
    crew = Crew("gpu", patience=5.0, most_stuck=1)
    return Surveyor("gpu", Processors(Nvml(), crew, host.hierarchies), crew, _PERIOD)


class Nvml:
    """The driver by NVIDIA's own binding."""

    def __init__(self) -> None:
        import pynvml

        self._nvml: Any = pynvml
        self._ready = False

    def devices(self) -> list[Device]:
        """See `Driver.devices`."""
        nvml = self._nvml
        try:
            if not self._ready:
                nvml.nvmlInit()
                self._ready = True
            return [
                self._device(nvml.nvmlDeviceGetHandleByIndex(at)) for at in range(nvml.nvmlDeviceGetCount())
            ]
        except nvml.NVMLError as error:
            self._ready = False
            raise OSError(f"NVML: {error}") from error

    def _device(self, handle: Any) -> Device:
        nvml = self._nvml
        memory = nvml.nvmlDeviceGetMemoryInfo(handle)
        try:
            busy = int(nvml.nvmlDeviceGetUtilizationRates(handle).gpu)
        except nvml.NVMLError:  # a slice of a processor (MIG) does not tell
            busy = None
        return Device(
            suffix=_suffix(_text(nvml.nvmlDeviceGetName(handle)), _text(nvml.nvmlDeviceGetUUID(handle))),
            busy=busy,
            total=int(memory.total),
            used=int(memory.used),
            processes=dict(self._processes(handle)),
        )

    def _processes(self, handle: Any) -> Iterator[tuple[int, int]]:
        nvml = self._nvml
        for ask in (nvml.nvmlDeviceGetGraphicsRunningProcesses, nvml.nvmlDeviceGetComputeRunningProcesses):
            try:
                found = ask(handle)
            except nvml.NVMLError:
                continue
            yield from ((int(one.pid), int(one.usedGpuMemory or 0)) for one in found)


class Processors:
    """Values of the catalogue's GPU, as `collectors.metrics.surveyor` asks for them."""

    families = GPU

    def __init__(self, driver: Driver, crew: Crew, hierarchies: Hierarchies) -> None:
        self._driver = driver
        self._crew = crew
        self._hierarchies = hierarchies
        self._devices: list[Device] = []
        self._users: dict[str, dict[int, int]] = {}
        self._trouble = ""

    def begin(self, subjects: Sequence[Subject]) -> None:
        """Ask the driver, and find the container of each process that uses a processor."""
        self._devices, self._users, self._trouble = [], {}, ""
        try:
            self._devices = self._crew.ask("nvml", "NVML", self._driver.devices)
        except Stuck:
            return  # the crew tells of it
        except OSError as error:
            self._trouble = str(error)
            return
        ids = {subject.id for subject in subjects}
        for at, device in enumerate(self._devices):
            for pid, used in device.processes.items():
                if id := self._container(pid, ids):
                    users = self._users.setdefault(id, {})
                    users[at] = users.get(at, 0) + used

    def look(self, subject: Subject) -> Sequence[Value] | None:
        """Values of one container that uses a processor, or of the host."""
        if subject.id == ROOT:
            return _values((device, device.used) for device in self._devices)
        users = self._users.get(subject.id)
        if not users:
            return None
        return _values((self._devices[at], used) for at, used in sorted(users.items()))

    def trouble(self) -> str:
        """What the driver says is wrong."""
        return self._trouble

    def _container(self, pid: int, ids: set[str]) -> str:
        paths = self._hierarchies.paths_of_pid(pid)
        path = self._hierarchies.id_of(paths) if paths else ""
        while path and path not in ids:
            path = path.rpartition("/")[0]
        return path


def _values(found: Iterator[tuple[Device, int]]) -> tuple[Value, ...]:
    busy: list[tuple[str, Number]] = []
    total: list[tuple[str, Number]] = []
    used: list[tuple[str, Number]] = []
    for device, bytes_used in found:
        if device.busy is not None:
            busy.append((device.suffix, device.busy))
        total.append((device.suffix, device.total))
        used.append((device.suffix, bytes_used))
    return tuple(busy) or None, tuple(total) or None, tuple(used) or None


def _suffix(model: str, uuid: str) -> str:
    model, uuid = (text.replace("\\", r"\\").replace('"', r"\"").replace("\n", " ") for text in (model, uuid))
    return f',make="nvidia",model="{model}",acc_id="{uuid}"'


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
