"""The groups of the `xinglin` command, one a file."""
