"""The inference scripts of the soak, and the ledger of what the monitors must have counted in the end."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass, field

import requests

from exporter.reporter import StatusReporter
from testkit.running import RunningMonitor


@dataclass
class Ledger:
    """Counts of one node: `done` were surely taken in; `unsure` had no answer and may or may not be counted."""

    done: dict[str, int] = field(default_factory=lambda: {"processed": 0, "low_confidence": 0, "sent_to_server": 0})
    unsure: int = 0


class Script(threading.Thread):
    """Works on one node until `stop`; `reporter` is what it reports with, or None for plain posts."""

    def __init__(self, monitor: RunningMonitor, seed: int, *, plain: bool) -> None:
        super().__init__(name="script", daemon=True)
        self.ledger = Ledger()
        self.failure: BaseException | None = None
        self._monitor = monitor
        self._random = random.Random(seed)
        self._plain = plain
        self._ended = threading.Event()

    def stop(self) -> None:
        """Finish the present item, hand in everything and end."""
        self._ended.set()
        self.join(30)

    def run(self) -> None:
        try:
            self._post_plainly() if self._plain else self._report()
        except BaseException as error:  # noqa: BLE001 (an inference must never see one; the verdict tells)
            self.failure = error

    def _report(self) -> None:
        done = self.ledger.done
        with StatusReporter(self._monitor.url) as reporter:
            while not self._ended.wait(self._random.expovariate(20)):
                unsure = self._random.random() < 0.3
                with reporter.detecting("frame"):
                    reporter.inference(self._random.random() / 20, low_confidence=unsure)
                    self._ended.wait(self._random.random() / 20)
                done["processed"] += 1
                if unsure:
                    with reporter.sending("frame"):
                        self._ended.wait(self._random.random() / 10)
                    done["low_confidence"] += 1
                    done["sent_to_server"] += 1
            # What an outage held back is delivered when the monitor is there; it is there in the end.
            self._wait_until_delivered()

    def _wait_until_delivered(self) -> None:
        for _ in range(100):
            try:
                if self._monitor.stats()["total_processed"] >= self.ledger.done["processed"]:
                    return
            except requests.RequestException:
                pass
            threading.Event().wait(0.1)

    def _post_plainly(self) -> None:
        while not self._ended.wait(self._random.expovariate(20)):
            state = self._random.choice(["idle", "detecting", "sending"])
            try:
                reply = requests.post(f"{self._monitor.url}/api/update_status", json={"status": state}, timeout=5)
            except requests.RequestException:
                self.ledger.unsure += 1
                continue
            if reply.ok and state == "detecting":
                self.ledger.done["processed"] += 1
            elif reply.ok and state == "sending":
                self.ledger.done["low_confidence"] += 1
                self.ledger.done["sent_to_server"] += 1
