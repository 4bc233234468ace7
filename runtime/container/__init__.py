"""From an OCI bundle to a running process, its log and its exit record."""
