"""Logs as the agent offers them: the worker process, its link, queries and live streams."""
