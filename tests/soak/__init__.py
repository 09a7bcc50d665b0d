"""A long run of the whole product under random faults: `python -m tests.soak --minutes 10`, or `make soak`."""
