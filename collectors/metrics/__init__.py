"""One file per kernel subsystem, each reading its files into values in catalogue order."""
