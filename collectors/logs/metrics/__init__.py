"""Metrics made from messages: counters and histograms of what containers print."""
