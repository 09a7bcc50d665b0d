"""The whole product on one machine: a real Ray cluster, every service, simulated inference scripts.

`python -m demo` shows it; the end-to-end tests and benchmarks drive the same pieces.
"""
