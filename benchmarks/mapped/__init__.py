"""Whole studies as map files, for benchmarks of the group level."""
