"""`python -m deploy.child PARENT ARGUMENT…`: a node monitor that ends together with the process PARENT.

Ray may kill the actor that starts it at any time, and the port has to be free for the next monitor.
"""

from __future__ import annotations

import ctypes
import os
import runpy
import signal
import sys
from typing import Final

_PR_SET_PDEATHSIG: Final = 1
"""From Linux' <sys/prctl.h>."""


def main() -> None:
    """Tie this process to its parent, then become the monitor.

    The signal is SIGKILL, because a stuck monitor must end too; the journal survives it.
    """
    parent = int(sys.argv[1])
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # the parent ended before the line above
        sys.exit("the parent process is gone")
    sys.argv = ["cmzsb-exporter", *sys.argv[2:]]
    runpy.run_module("exporter.without_openssl", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
