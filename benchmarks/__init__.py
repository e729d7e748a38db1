"""Runnable comparisons with what users would pick instead: ``python -m benchmarks [NAME...]``.

Every job first checks that all contestants give the same answer, then times them in one run, and prints ratios.
"""
