"""One file per on-disk log format."""
