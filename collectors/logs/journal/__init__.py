"""The systemd journal as a log: what containers and services print into it, followed and queried by `journalctl`.

Journal files are systemd's own affair; its Export format is what others are meant to read
(https://systemd.io/JOURNAL_EXPORT_FORMATS).
"""
