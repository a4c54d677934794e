"""Timings against baselines of the same run, printed as tables. Nothing here asserts a time."""
