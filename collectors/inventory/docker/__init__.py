"""Docker's containers, from its socket."""
