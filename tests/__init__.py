"""Mirrors the packages; tests/stories reads like the examples of the job."""
