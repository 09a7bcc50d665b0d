"""Fakes, hostile peers and servers on loopback, for tests, benchmarks and the demo. Not part of the distribution."""
