"""Every sink there is, one line each. Their modules import nothing heavy until a sink is opened."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from agent.shipping import elasticsearch, file, forward, http, kafka, loki, otlp, stdout, syslog
from agent.shipping.sink import Context, Sink, SinkSettings


class Kind(NamedTuple):
    """A type of sink: its settings, and how one is opened (raises DeckwatchError)."""

    settings: type[SinkSettings]
    opened: Callable[[Any, Context], Awaitable[Sink]]


SINKS: Mapping[str, Kind] = {
    "loki": Kind(loki.LokiSettings, loki.opened),
    "otlp": Kind(otlp.OtlpSettings, otlp.opened),
    "elasticsearch": Kind(elasticsearch.ElasticsearchSettings, elasticsearch.opened),
    "http": Kind(http.LinesSettings, http.opened),
    "syslog": Kind(syslog.SyslogSettings, syslog.opened),
    "file": Kind(file.FileSettings, file.opened),
    "stdout": Kind(stdout.StdoutSettings, stdout.opened),
    "forward": Kind(forward.ForwardSettings, forward.opened),
    "kafka": Kind(kafka.KafkaSettings, kafka.opened),
}
