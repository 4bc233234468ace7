"""Cgroup directories: following them and reading their files."""
