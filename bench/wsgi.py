"""`python -m bench.wsgi KIND PORT DIRECTORY`: the monitor's application on one of several WSGI servers."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, Final

from flask import Flask

from exporter.metrics import Errors, StatusCollector, registry
from exporter.status.service import Status
from exporter.storage.journal import Journal
from exporter.web.access import WritePolicy
from exporter.web.api import MAX_WAITERS, Services, create_app
from exporter.web.identity import LocalIdentity
from exporter.web.refusals import RejectedReports
from exporter.web.server import Server
from servicekit.address import Address
from servicekit.clock import SystemClock

KINDS: Final = ("waitress", "cheroot", "gunicorn gthread", "granian", "werkzeug threaded")
_THREADS: Final = MAX_WAITERS + 4
"""As many as the monitor has."""
_DIRECTORY: Final = "BENCH_WSGI_DIRECTORY"


def _services(directory: Path) -> Services:
    clock, journal, errors = SystemClock(), Journal(directory), Errors()
    status = Status(clock=clock, recorder=journal, ttl=60, stored=journal.stored)
    return Services(
        status=status,
        journal=journal,
        identity=LocalIdentity("M5", "board"),
        policy=WritePolicy(),
        registry=registry(StatusCollector("M5", status.view, lambda: journal.errors, errors)),
        clock=clock,
        errors=errors,
        rejected=RejectedReports(status.reject),
        host_names=frozenset(),
    )


def _application(directory: Path) -> Flask:
    return create_app(_services(directory))


def _waitress(port: int, directory: Path) -> None:
    services = _services(directory)
    Server(create_app(services), Address("127.0.0.1", port), services.rejected).run(lambda: None)


def _cheroot(port: int, directory: Path) -> None:
    from cheroot.wsgi import Server as Cheroot

    Cheroot(("127.0.0.1", port), _application(directory), numthreads=_THREADS).start()


def _gunicorn(port: int, directory: Path) -> None:
    from gunicorn.app.base import BaseApplication

    class Gunicorn(BaseApplication):  # type: ignore[misc] # gunicorn has no types
        def load_config(self) -> None:
            options = {"bind": f"127.0.0.1:{port}", "threads": _THREADS, "workers": 1, "keepalive": 15}
            for name, value in (options | {"worker_class": "gthread", "loglevel": "error"}).items():
                self.cfg.set(name, value)

        def load(self) -> Any:
            return _application(directory)

    Gunicorn().run()


def application_of_the_environment() -> Flask:
    """Return the application for granian, which calls this in the process that serves."""
    return _application(Path(os.environ[_DIRECTORY]))


def _granian(port: int, directory: Path) -> None:
    from granian.constants import Interfaces
    from granian.server import Server as Granian

    os.environ[_DIRECTORY] = str(directory)
    target = f"bench.wsgi:{application_of_the_environment.__name__}"
    Granian(
        target,
        address="127.0.0.1",
        port=port,
        interface=Interfaces.WSGI,
        factory=True,
        workers=1,
        blocking_threads=_THREADS,
        log_enabled=False,
    ).serve()


def _werkzeug(port: int, directory: Path) -> None:
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Log nothing, as the others."""

    make_server("127.0.0.1", port, _application(directory), threaded=True, request_handler=Quiet).serve_forever()


if __name__ == "__main__":
    serve = dict(zip(KINDS, (_waitress, _cheroot, _gunicorn, _granian, _werkzeug), strict=True))[sys.argv[1]]
    serve(int(sys.argv[2]), Path(sys.argv[3]))
