"""Loopback ports and waiting for the tests: those of the demo."""

from demo.net import free_port, is_free, wait_for

__all__ = ["free_port", "is_free", "wait_for"]
