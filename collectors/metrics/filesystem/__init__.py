"""File systems of containers: where their files lie, how much they use and what is left."""
