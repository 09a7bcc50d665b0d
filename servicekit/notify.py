"""Notifications to systemd: ready, alive, stopping.

Protocol: https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html. Without systemd nothing is sent.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Callable, MutableMapping
from typing import Final

from servicekit.log import event
from servicekit.text import one_line

_SEND_SECONDS: Final = 1.0
_PINGS_PER_LIMIT: Final = 3
"""Checks within systemd's limit, so that a single one may fail."""

_log = logging.getLogger(__name__)


def status_text(serving: str, failure: str | None) -> str:
    """Return what `systemctl status` shows of a service that answers: what it serves, and why its health is 503."""
    return f"unhealthy: {failure}; {serving}" if failure else serving


class Notifier:
    """Sends notifications to the service manager. Thread-safe, never raises, may be used after a fork."""

    def __init__(self, path: str | None, watchdog_seconds: float | None) -> None:
        """`path` of a datagram socket, `@…` in Linux's abstract namespace, None: no service manager."""
        self._address = None if not path else "\0" + path[1:] if path.startswith("@") else path
        self.watchdog_seconds = watchdog_seconds
        """Longest time between two pings; None when none are wanted."""
        self._failed = False

    @classmethod
    def from_environment(cls, environment: MutableMapping[str, str] = os.environ) -> Notifier:
        """Take systemd's variables out of `environment`, because child processes and gunicorn must not notify."""
        path, limit, pid = (environment.pop(name, None) for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"))
        is_wanted = path and limit and limit.isdecimal() and int(limit) > 0 and pid in (None, str(os.getpid()))
        return cls(path, int(limit) / 1e6 if is_wanted and limit else None)

    def ready(self, text: str) -> None:
        """Notify that the service is ready; `systemctl status` shows `text`."""
        self._send(f"READY=1\nSTATUS={one_line(text)}")

    def waiting(self, text: str) -> None:
        """Say that the service waits for something outside, and still works; to be repeated within the watchdog's time.

        It counts as started meanwhile: else the boot would wait with it, and systemd end it.
        """
        self._send(f"READY=1\nWATCHDOG=1\nSTATUS={one_line(text)}")

    def status(self, text: str) -> None:
        """Set the text that `systemctl status` shows."""
        self._send(f"STATUS={one_line(text)}")

    def stopping(self) -> None:
        """Notify that the service stops; may be called from a signal handler."""
        self._send("STOPPING=1")

    def ping(self) -> None:
        """Notify that the service is alive."""
        self._send("WATCHDOG=1")

    def _send(self, message: str) -> None:
        if self._address is None:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
                sock.settimeout(_SEND_SECONDS)
                sock.sendto(message.encode(), self._address)
        except OSError as error:
            if not self._failed:
                _log.warning(event("notify_failed", reason=error))
            self._failed = True
        else:
            self._failed = False


class Watchdog:
    """A thread that pings as long as `liveness_error()` is empty; systemd aborts the service when no ping comes.

    `liveness_error` returns in a few words what is stuck. If it hangs itself, no ping is sent either. `summary` returns
    what `systemctl status` shows while nothing is stuck.
    """

    def __init__(
        self, notifier: Notifier, liveness_error: Callable[[], str], summary: Callable[[], str] = lambda: "working"
    ) -> None:
        self._notifier = notifier
        self._liveness_error = liveness_error
        self._summary = summary
        self._stop = threading.Event()
        self._stuck = ""
        self._said = ""

    def start(self) -> None:
        """Start, if systemd expects pings; call it in the process that serves."""
        if self._notifier.watchdog_seconds is not None:
            threading.Thread(target=self._run, name="watchdog", daemon=True).start()

    def close(self) -> None:
        """Stop, without waiting for a check in progress."""
        self._stop.set()

    def _run(self) -> None:
        interval = (self._notifier.watchdog_seconds or 0.0) / _PINGS_PER_LIMIT
        while not self._stop.wait(interval):
            self._look()

    def _look(self) -> None:
        liveness_error = self._liveness_error()
        if not liveness_error:
            self._notifier.ping()
        if liveness_error != self._stuck:
            if liveness_error:
                _log.error(event("watchdog_withheld", reason=liveness_error))
            else:
                _log.info(event("watchdog_resumed"))
        self._stuck = liveness_error
        said = liveness_error or self._summary()
        if said != self._said:
            self._notifier.status(said)
        self._said = said
