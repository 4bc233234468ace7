"""What every sink has in common."""

from __future__ import annotations

import msgspec

from agent.shipping.sink import Again, Delivered, SinkSettings


def test_settings_cross_to_the_log_worker_unchanged() -> None:
    settings = SinkSettings(name="loki", selector='{engine="docker"}', batch_bytes=1000)
    packed = msgspec.msgpack.encode(settings)
    assert msgspec.msgpack.decode(packed, type=SinkSettings) == settings


def test_a_verdict_refuses_and_limits_nothing_unless_it_says_so() -> None:
    assert (Delivered().refused, Delivered().lost) == ((), 0)
    assert (Again("503").only, Again("503").after, Again("503").refused) == (None, None, ())
