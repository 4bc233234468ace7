"""From readings to a Prometheus exposition: labels, formats, rendering, and the agent's own metrics."""
