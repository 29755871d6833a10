"""Benchmarks: ours beside the plain floor, in the same run. `make bench`."""
