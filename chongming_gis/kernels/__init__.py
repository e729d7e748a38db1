"""Compiled searches: arrays in, arrays out.

No validation, no defaults, no frames: each kernel has one plain caller in ``travel`` that owns those. Kernels release
the GIL, so callers run them on threads, one workspace a thread. Every kernel has a slow twin in the tests.
"""
