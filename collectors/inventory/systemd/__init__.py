"""Services and slices of systemd, from cgroups and unit files."""
