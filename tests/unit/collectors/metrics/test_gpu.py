"""Graphics processors: who uses how much, and a driver that says no or nothing."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import sys
import threading

import pytest

from collectors.metrics import gpu
from collectors.metrics.crew import Crew
from collectors.metrics.gpu import Device, Processors
from collectors.metrics.plan import Host
from collectors.metrics.survey import Subject
from runtime.linux import hierarchies
from runtime.linux.errors import NotSupported

A100 = ',make="nvidia",model="A100",acc_id="GPU-1"'
T4 = ',make="nvidia",model="T4",acc_id="GPU-2"'
TREES = hierarchies.detect()
MINE = TREES.id_of(TREES.paths_of_pid(os.getpid()))


class Driver:
    """A driver that answers as it is told."""

    def __init__(self, *devices: Device) -> None:
        self.told = list(devices)
        self.error: OSError | None = None
        self.gate: threading.Event | None = None

    def devices(self) -> list[Device]:
        if self.gate is not None:
            self.gate.wait(30)
        if self.error is not None:
            raise self.error
        return self.told


def subject(id: str) -> Subject:
    return Subject(id, 0, 0)


def test_memory_is_the_containers_own_and_the_rest_the_devices() -> None:
    driver = Driver(
        Device(A100, 40, 1000, 700, {os.getpid(): 300, 2**22 + 1: 400}), Device(T4, None, 500, 0, {})
    )
    processors = Processors(driver, Crew("gpu"), TREES)
    everybody = [subject("/"), subject(MINE), subject("/nobody")]
    processors.begin(everybody)
    assert processors.look(subject("/nobody")) is None
    if MINE != "/":
        assert processors.look(subject(MINE)) == (((A100, 40),), ((A100, 1000),), ((A100, 300),))
    assert processors.look(subject("/")) == (
        ((A100, 40),),
        ((A100, 1000), (T4, 500)),
        ((A100, 700), (T4, 0)),
    )


def test_a_driver_that_says_no_is_told_and_asked_again() -> None:
    driver = Driver(Device(A100, 1, 10, 5, {}))
    processors = Processors(driver, Crew("gpu"), TREES)
    driver.error = OSError("NVML: GPU is lost")
    processors.begin([subject("/")])
    assert processors.trouble() == "NVML: GPU is lost" and processors.look(subject("/")) == (None, None, None)
    driver.error = None
    processors.begin([subject("/")])
    assert processors.trouble() == "" and processors.look(subject("/")) != (None, None, None)


def test_a_driver_that_hangs_is_left_behind() -> None:
    driver = Driver(Device(A100, 1, 10, 5, {}))
    driver.gate = threading.Event()
    crew = Crew("gpu", patience=0.05)
    processors = Processors(driver, crew, TREES)
    processors.begin([subject("/")])
    assert "NVML has not answered" in crew.trouble()
    driver.gate.set()


@pytest.mark.skipif(shutil.which("nvidia-smi") is not None, reason="there is a driver here")
def test_without_the_library_the_reason_is_told() -> None:
    with pytest.raises(NotSupported, match=r"libnvidia-ml\.so\.1 is not here"):
        gpu.survey(Host(TREES))


SOURCE = r"""
#include <string.h>
typedef struct { unsigned long long total, free, used; } memory_t;
typedef struct { unsigned gpu, memory; } rates_t;
typedef struct { unsigned pid; unsigned long long used; unsigned gi, ci; } process_t;
int nvmlInitWithFlags(unsigned flags) { return 0; }
int nvmlDeviceGetCount_v2(unsigned *n) { *n = 1; return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned i, void **h) { *h = (void *)1; return 0; }
int nvmlDeviceGetName(void *h, char *s, unsigned n) { strncpy(s, "Fake \"T\"", n); return 0; }
int nvmlDeviceGetUUID(void *h, char *s, unsigned n) { strncpy(s, "GPU-9", n); return 0; }
int nvmlDeviceGetMemoryInfo(void *h, memory_t *m) { m->total = 100; m->free = 40; m->used = 60; return 0; }
int nvmlDeviceGetUtilizationRates(void *h, rates_t *r) { r->gpu = 33; r->memory = 1; return 0; }
int nvmlDeviceGetComputeRunningProcesses_v3(void *h, unsigned *n, process_t *p) {
  if (*n < 1) { *n = 1; return 7; }
  *n = 1; p[0].pid = 4242; p[0].used = 50; p[0].gi = p[0].ci = -1; return 0;
}
int nvmlDeviceGetGraphicsRunningProcesses_v3(void *h, unsigned *n, process_t *p) { *n = 0; return 0; }
"""


@pytest.mark.skipif(
    shutil.which("cc") is None, reason="needs a C compiler (package gcc) for a library like NVIDIA's"
)
def test_the_binding_reads_a_library_of_that_name(tmp_path: pathlib.Path) -> None:
    (tmp_path / "nvml.c").write_text(SOURCE)
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-w", "-o", str(tmp_path / gpu.LIBRARY), str(tmp_path / "nvml.c")],
        check=True,
        timeout=60,
    )
    told = subprocess.run(
        [sys.executable, "-c", "from collectors.metrics.gpu import Nvml; print(Nvml().devices())"],
        env={**os.environ, "LD_LIBRARY_PATH": str(tmp_path)}, cwd=pathlib.Path(__file__).parents[4],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    suffix = r',make="nvidia",model="Fake \"T\"",acc_id="GPU-9"'
    assert told.stdout.strip() == str([Device(suffix, 33, 100, 60, {4242: 50})])
