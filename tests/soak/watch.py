"""What the soak looks at all the while: does the wall show the truth, and what do the services hold."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import defaultdict
from statistics import linear_regression, median
from typing import Final, NamedTuple

import psutil
import requests

from tests.soak.world import World

STUCK_SECONDS: Final = 10.0
"""A light that differs from its node's own status for so long, look after look, is stuck."""
_LOOK_SECONDS: Final = 0.5
_SAMPLE_EVERY: Final = 4
"""Looks between two samples of what the services hold."""


class Drift(NamedTuple):
    """How one figure of one process went: `per_hour` by least squares, `grown` from first to last quarter."""

    who: str
    what: str
    per_hour: float
    grown: float
    last: float


class Watch(threading.Thread):
    """Looks twice a second until `stop`."""

    def __init__(self, world: World) -> None:
        super().__init__(name="watch", daemon=True)
        self.stuck: list[str] = []
        self.looks = 0
        """How often a node's light was compared with the node's own word."""
        self.failure: BaseException | None = None
        self._world = world
        self._differs_since: dict[str, float] = {}
        self._samples: dict[str, list[tuple[float, dict[str, float]]]] = defaultdict(list)
        self._ended = threading.Event()

    def stop(self) -> None:
        """End and join."""
        self._ended.set()
        self.join()

    def forget_samples(self) -> None:
        """Begin to sample anew: from here on no process is ended."""
        self._samples.clear()

    def run(self) -> None:
        turn = 0
        try:
            while not self._ended.wait(_LOOK_SECONDS):
                for name in self._world.monitors:
                    self._look(name)
                if turn % _SAMPLE_EVERY == 0:
                    self._sample()
                turn += 1
        except BaseException as error:  # noqa: BLE001 (who no longer looks sees nothing; the verdict tells)
            self.failure = error

    def _look(self, name: str) -> None:
        try:
            truth = self._world.monitors[name].status()["status"]
            node = self._world.bridge.nodes().get(name)
        except requests.RequestException:  # one of the two is away
            self._differs_since.pop(name, None)
            return
        self.looks += 1
        shown = node["workStatus"] if node and node["workStatusReachable"] else "unreachable" if node else "not there"
        if shown == truth:
            self._differs_since.pop(name, None)
            return
        since = self._differs_since.setdefault(name, time.monotonic())
        if time.monotonic() - since > STUCK_SECONDS:
            self.stuck.append(f"{name} is {truth}, shown as {shown}")
            self._differs_since.pop(name)

    def _sample(self) -> None:
        for who, service in (("bridge", self._world.bridge), *sorted(self._world.monitors.items())):
            with contextlib.suppress(psutil.Error):  # it may be between its end and its next start
                self._samples[who].append((time.monotonic(), service.resources()))

    def drifts(self) -> list[Drift]:
        """Return how threads, descriptors and megabytes went since `forget_samples`."""
        found = []
        for who, samples in self._samples.items():
            if len(samples) < 8:
                continue
            times = [at for at, _ in samples]
            for what in samples[0][1]:
                values = [held[what] for _, held in samples]
                quarter = len(values) // 4
                grown = median(values[-quarter:]) - median(values[:quarter])
                slope = linear_regression(times, values).slope
                found.append(Drift(who, what, slope * 3600, grown, values[-1]))
        return found
