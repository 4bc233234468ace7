"""What the kernel says is ignored, whoever set it."""

from __future__ import annotations

import pathlib
import signal

from runtime.linux import signals


def test_ignored_signals() -> None:
    before = signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    try:
        assert {signal.SIGUSR2, signal.SIGPIPE} <= set(signals.ignored())
    finally:
        signal.signal(signal.SIGUSR2, before)
    assert signal.SIGUSR2 not in signals.ignored()


def test_signals_of_the_c_library_are_seen_and_set_back() -> None:
    signals.ignore(32)
    try:
        assert 32 in signals.ignored()
    finally:
        signals.set_default(32)
    assert 32 not in signals.ignored()


def test_bit_one_is_signal_one(tmp_path: pathlib.Path) -> None:
    (tmp_path / "self").mkdir()
    (tmp_path / "self/status").write_text(
        "SigBlk:\t0000000000000000\nSigIgn:\t8000000000000001\nSigCgt:\t0\n"
    )
    assert sorted(signals.ignored(str(tmp_path))) == [1, 64]


def test_the_mask_is_set_and_given_back() -> None:
    before = signals.block_all()
    try:
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
        assert {int(one) for one in blocked} == signals.ALL
        assert signals.set_mask(signals.NOTHING) != signals.NOTHING
        assert not signal.pthread_sigmask(signal.SIG_BLOCK, ())
    finally:
        signals.set_mask(before)
