"""Containers that come and go for minutes, while the agent is scraped each second and looked at from outside."""
