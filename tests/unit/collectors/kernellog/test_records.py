"""Records as the kernel writes them."""

from __future__ import annotations

import pytest

from collectors.kernellog.records import Record, parse


def test_a_record_is_its_number_time_and_text() -> None:
    assert parse(b"3,441,1622906769,-;Memory cgroup out\n SUBSYSTEM=x\n DEVICE=y\n") == Record(
        441, 1622.906769, "Memory cgroup out"
    )
    assert parse(b"6,1,2,-,caller=T1;tab\\x09 newline\\x0aend\n") == Record(1, 2e-6, "tab\t newline\nend")


@pytest.mark.parametrize("content", [b"", b"nonsense", b"a,b,c,-;text", b"3,4;text", b"-3,4,5,-;text"])
def test_nonsense_is_no_record(content: bytes) -> None:
    assert parse(content) is None


def test_what_a_process_wrote_is_not_the_kernels_word() -> None:
    assert parse(b"12,7,99,-;Memory cgroup out of memory: Killed process 1 (x)\n") is None
