"""CRI-O's containers, from their storage and its socket."""
