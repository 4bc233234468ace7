"""Loki's read API over the log files of this host: what a query process does with one of its questions."""
