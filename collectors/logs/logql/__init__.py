"""LogQL: read a query, say what a scan has to read for it, and evaluate it over a stream of log entries."""
