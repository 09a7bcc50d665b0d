"""Child processes of the tests: those of the demo."""

from demo.process import Process, module

__all__ = ["Process", "module"]
