"""Every process that descends from this one, also those whose parents are gone."""

from __future__ import annotations

import ctypes
import os
from typing import Final

import psutil

_PR_SET_CHILD_SUBREAPER: Final = 36
"""From Linux' <sys/prctl.h>."""


def adopt_orphans() -> None:
    """Make this process the parent of descendants whose own parent ends (prctl(2), Linux 3.4).

    Ray's workers and agents are grandchildren; without this they would escape when a raylet is killed.
    """
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_all(grace: float = 5.0) -> None:
    """End all descendants: SIGTERM, then SIGKILL for those still there after `grace` seconds."""
    me = psutil.Process(os.getpid())
    for signal, timeout in ((psutil.Process.terminate, grace), (psutil.Process.kill, 5.0)):
        # Again until none is left: a dying process may leave children that become ours.
        for _ in range(3):
            family = me.children(recursive=True)
            for process in family:
                if process.is_running():
                    signal(process)
            psutil.wait_procs(family, timeout=timeout)
            if not me.children(recursive=True):
                return
