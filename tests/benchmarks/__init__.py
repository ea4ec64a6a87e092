"""Measurements, one script each: `python -m tests.benchmarks.create` and so on. They are not tests."""
