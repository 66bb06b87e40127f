"""Benchmarks: each measures one thing side by side with its peer and prints lines `name ours peer ratio unit`."""
