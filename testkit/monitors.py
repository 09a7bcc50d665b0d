"""A monitor without its server: the real parts around a clock that tests move by hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import Flask

from exporter.board import NOTHING, Reading
from exporter.metrics import Errors, StatusCollector, registry
from exporter.status.service import Status
from exporter.storage.journal import Journal
from exporter.web.access import WritePolicy
from exporter.web.api import Services, create_app
from exporter.web.identity import LocalIdentity
from exporter.web.refusals import RejectedReports
from testkit.clocks import ManualClock


class Monitor:
    """Everything but waitress and the command line."""

    def __init__(self, directory: Path, clock: ManualClock, token: str | None = None, board: Reading = NOTHING) -> None:
        self.clock = clock
        self.board = board
        self.journal = Journal(directory)
        self.status = Status(clock=clock, recorder=self.journal, ttl=60.0, stored=self.journal.stored)
        self.errors = Errors()
        collector = StatusCollector(
            "M5", self.status.view, lambda: self.journal.errors, self.errors, lambda: self.board
        )
        self.registry = registry(collector)
        self.app: Flask = create_app(
            Services(
                status=self.status,
                journal=self.journal,
                identity=LocalIdentity("M5", "board-5"),
                policy=WritePolicy(token=token),
                registry=self.registry,
                board=lambda: self.board,
                clock=clock,
                errors=self.errors,
                rejected=RejectedReports(self.status.reject),
            )
        )


@contextmanager
def running_monitor(
    directory: Path, clock: ManualClock | None = None, token: str | None = None, board: Reading = NOTHING
) -> Iterator[Monitor]:
    monitor = Monitor(directory, clock or ManualClock(), token, board)
    try:
        yield monitor
    finally:
        monitor.journal.close()
