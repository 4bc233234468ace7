"""The log path: files, formats, assembling, parsing, querying."""
