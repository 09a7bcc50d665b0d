"""Reports the work states of an inference script to the node's monitor, without delaying the script.

    with StatusReporter("http://127.0.0.1:8000") as reporter:
        with reporter.detecting("frame 17"):
            ...
            reporter.inference(seconds=0.031, low_confidence=True)
        with reporter.sending("frame 17"):
            ...

This file needs only Python 3.7 or newer: copy it beside a script, or import it from the package.
From a shell: `python -m exporter.reporter detecting --message "frame 17"`.

The caller only writes to a bounded outbox; a daemon thread sends. Every report carries the totals of the session, so
that a report that is lost, repeated or left out changes no count. A report that enters no state is marked as a
heartbeat, so that a process that only counts does not hide the state of another one.
"""

from __future__ import annotations

import argparse
import atexit
import codecs
import contextlib
import http.client
import io
import json
import logging
import math
import os
import socket
import sys
import threading
import time
import urllib.parse
import uuid
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

DEFAULT_URL = "http://127.0.0.1:8000"
TTL = 60.0
TTL_RANGE = (1.0, 86_400.0)
"""Seconds without a report after which the monitor drops the state, and the range that it accepts."""
HEARTBEATS = 3
"""Heartbeats within the TTL, of which two may get lost."""
REPLY_TIMEOUT = 2.0
"""Seconds for one whole exchange with the monitor."""
EXIT_TIMEOUT = 0.95
"""Seconds that `close()` and the interpreter's exit may take."""
MAX_PENDING = 64
MAX_DURATIONS = 1000
MAX_TEXT = 500
MAX_DETAILS = 16 * 1024
MAX_SECONDS = 3600.0
"""Limits of what is queued and sent: states, durations, characters, bytes of `task_info`, one duration."""
STALE_AFTER = 0.5
"""Age in seconds from which a newer state replaces a queued one, so that a slow monitor gets the latest."""
COUNT_DELAY = 0.2
"""Seconds for which a count waits for a change of state to be sent with."""
SEND_INTERVAL = 0.005
"""Shortest interval of two reports in seconds, because the sender shares the interpreter with the inference."""
BACK_OFF = (0.25, 5.0)
"""First and longest pause in seconds between attempts while the monitor does not answer."""

_log = logging.getLogger("cmzsb.reporter")

codecs.lookup("idna")  # Sockets import it on first use; a child forked during that import could never use a socket.


class StatusReporter:
    """Reports one script's work states. Make one per process; use it from any thread, also after a fork.

    `url` is the monitor's root, `token` the content of its `--token-file`, `ttl` the seconds, 1 to 86,400, after
    which the monitor drops the state of a process that sends nothing. No method raises: with a wrong `url` nothing is
    sent, a wrong `ttl` is replaced by the nearest valid one or by 60; the log says so. No method waits for the
    network, except `close()`, which waits up to a second.
    """

    def __init__(self, url: str = DEFAULT_URL, *, token: str = "", ttl: float = TTL) -> None:
        self._link = (url, token)
        self._ttl = _checked_ttl(ttl)
        self._outboxes: dict[int, _Outbox] = {}
        self._outbox = self._outbox_of(os.getpid())
        atexit.register(self.close)

    def report(
        self,
        status: str,
        message: str = "",
        *,
        task: str = "",
        task_info: Mapping[str, Any] | None = None,
    ) -> None:
        """Enter `status`: `idle`, `detecting` or `sending`.

        Until the first `inference()`, each `detecting` counts one processed and each `sending` one
        low-confidence result. `sending` always counts one sent to the server. `task_info` is serialized at once, so
        that the caller may change it afterwards; it is left out above 16 KiB or when it cannot be serialized.
        """
        try:
            details = _details(task_info)
            self._current().put(_text(status), _text(message), _text(task), details, counted=True)
        except Exception:  # noqa: BLE001 (no error may reach the inference)
            _log.debug("report not taken", exc_info=True)

    def inference(self, seconds: float | None = None, low_confidence: bool = False) -> None:
        """Count one processed item; `seconds` is the time of the model, `low_confidence` marks an unsure result."""
        try:
            self._current().count(seconds, low_confidence)
        except Exception:  # noqa: BLE001 (the same)
            _log.debug("inference not counted", exc_info=True)

    def detecting(self, task: str = "", message: str = "") -> contextlib.AbstractContextManager[None]:
        """Be `detecting` inside a `with` block; then return to the enclosing state, at last to `idle`."""
        return self._during("detecting", task, message)

    def sending(self, task: str = "", message: str = "") -> contextlib.AbstractContextManager[None]:
        """Be `sending` inside a `with` block; then return to the enclosing state, at last to `idle`."""
        return self._during("sending", task, message)

    def close(self) -> None:
        """Go to `idle`, send what is queued and stop; takes at most a second, also without a monitor."""
        try:
            self._current().close()
        except Exception:  # noqa: BLE001 (the same)
            _log.debug("not closed", exc_info=True)
        atexit.unregister(self.close)

    def __enter__(self) -> StatusReporter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        # A worker that receives a pickled reporter (spawn, Ray) reports under a session of its own.
        url, token = self._link
        return _unpickled, (url, token, self._ttl)

    @contextlib.contextmanager
    def _during(self, status: str, task: str, message: str) -> Iterator[None]:
        activity = (status, _text(message), _text(task))
        outbox = None
        with contextlib.suppress(Exception):
            outbox = self._current()
            outbox.begin(activity)
        try:
            yield
        finally:
            # A child that was forked inside the block leaves it too, without having entered it.
            if outbox is not None and outbox.pid == os.getpid():
                with contextlib.suppress(Exception):
                    outbox.end(activity)

    def _current(self) -> _Outbox:
        # A forked child has no sending thread, and locks in an unknown state: it gets an outbox of its own.
        outbox = self._outbox
        return outbox if outbox.pid == os.getpid() else self._outbox_of(os.getpid())

    def _outbox_of(self, pid: int) -> _Outbox:
        # setdefault is atomic, so that all threads of a child end up with the same outbox.
        self._outbox = self._outboxes.setdefault(pid, _Outbox(pid, _Link(*self._link), self._ttl))
        for ancestor in [known for known in list(self._outboxes) if known != pid]:
            self._outboxes.pop(ancestor, None)
        return self._outbox


def _unpickled(url: str, token: str, ttl: float) -> StatusReporter:
    return StatusReporter(url, token=token, ttl=ttl)


class _State(NamedTuple):
    """A queued state; `details` is JSON, `totals` are those at the time of entry."""

    status: str
    message: str = ""
    task: str = ""
    details: bytes | None = None
    entered: float = 0.0
    totals: tuple[int, int, int] = (0, 0, 0)


class _Report(NamedTuple):
    """The content of one POST."""

    state: _State
    sequence: int
    totals: tuple[int, int, int]
    durations: list[float]
    heartbeat: bool
    """The state is not new: an earlier report entered it, or this process never entered one."""


class _Outbox:
    """The queued states and counts of one process, and the thread that sends them.

    The lock is re-entrant and the wakeup a plain lock, because a signal handler may report too.
    """

    def __init__(self, pid: int, link: _Link, ttl: float) -> None:
        self.pid = pid
        self._link = link
        self._ttl = ttl
        self._session = uuid.uuid4().hex
        self._sequence = 0
        self._lock = threading.RLock()
        self._wakeup = threading.Lock()
        self._wakeup.acquire()
        self._is_waiting = False
        self._closing = False
        self._thread: threading.Thread | None = None
        self._pending: deque[_State] = deque(maxlen=MAX_PENDING)
        self._latest = self._sent = _State("idle")
        self._activities: list[tuple[str, str, str]] = []
        self._durations: deque[float] = deque(maxlen=MAX_DURATIONS)
        self._processed = self._low_confidence = self._sent_to_server = 0
        self._explicit = False
        self._counted_at: float | None = None

    # Called by the inference.

    def put(
        self,
        status: str,
        message: str,
        task: str,
        details: bytes | None = None,
        *,
        counted: bool,
    ) -> None:
        """Queue a state, and count it if it is `counted`."""
        with self._lock:
            if counted:
                self._count_entry(status)
            totals = (self._processed, self._low_confidence, self._sent_to_server)
            self._latest = _State(status, message, task, details, time.monotonic(), totals)
            if not self._closing:
                self._pending.append(self._latest)
                self._wake()

    def count(self, seconds: float | None, low_confidence: bool) -> None:
        """Count one processed item; an invalid duration is left out."""
        with self._lock:
            # The state that was entered before the first call has counted this item already.
            if self._explicit or self._latest.status != "detecting":
                self._processed += 1
            self._explicit = True
            if self._counted_at is None:
                self._counted_at = time.monotonic()
                self._wake()
            with contextlib.suppress(Exception):  # the truth value of an array is an error
                self._low_confidence += bool(low_confidence)
            if seconds is not None and 0 <= float(seconds) <= MAX_SECONDS:
                self._durations.append(round(float(seconds), 6))

    def begin(self, activity: tuple[str, str, str]) -> None:
        """Enter the state of `activity`, until `end`."""
        with self._lock:
            self._activities.append(activity)
            self.put(*activity, counted=True)

    def end(self, activity: tuple[str, str, str]) -> None:
        """Return to the newest activity that has not ended, of this or another thread; without one to `idle`."""
        with self._lock:
            if activity in self._activities:
                self._activities.remove(activity)
            self.put(*(self._activities[-1] if self._activities else ("idle", "", "")), counted=False)

    def close(self) -> None:
        """Send the rest and stop, within `EXIT_TIMEOUT`; harmless when nothing was ever reported."""
        with self._lock:
            if self._latest.status != "idle":
                self.put("idle", "", "", counted=False)
            self._closing = True
            self._is_waiting = True
            self._wake()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(EXIT_TIMEOUT)

    def _count_entry(self, status: str) -> None:
        if status == "sending":
            self._sent_to_server += 1
            self._low_confidence += not self._explicit
        elif status == "detecting" and not self._explicit:
            self._processed += 1

    def _wake(self) -> None:
        if self._thread is None:
            if self._closing or not self._link.usable:
                return
            self._thread = threading.Thread(target=self._run, name="cmzsb-reporter", daemon=True)
            self._close_with_worker()
            try:
                self._thread.start()
            except RuntimeError:  # no more threads, or the interpreter is ending
                self._thread = None
        elif self._is_waiting:
            self._is_waiting = False
            with contextlib.suppress(RuntimeError):  # woken already
                self._wakeup.release()

    def _close_with_worker(self) -> None:
        # A worker process of multiprocessing (PyTorch's DataLoader) runs these finalizers at its end, but not atexit.
        # It clears them when it starts, so this one is registered with the first report.
        process, util = sys.modules.get("multiprocessing.process"), sys.modules.get("multiprocessing.util")
        if process is None or util is None:
            return
        if type(process.current_process()).__name__ != "_MainProcess":  # parent_process() is new in Python 3.8
            util.Finalize(None, self.close, exitpriority=0)

    # Called by the sending thread.

    def _run(self) -> None:
        try:
            report = self._next()
            while report is not None:
                try:
                    self._deliver(report)
                except Exception:  # noqa: BLE001 (a report that fails must not stop the later ones)
                    _log.warning("report dropped", exc_info=True)
                time.sleep(SEND_INTERVAL)
                report = self._next()
        finally:
            self._thread = None  # the next call starts another one
            self._link.close()

    def _next(self) -> _Report | None:
        """Wait for something to send, at the latest the heartbeat; None when closing and everything is sent."""
        heartbeat = time.monotonic() + self._ttl / HEARTBEATS
        while True:
            with self._lock:
                now = time.monotonic()
                due = heartbeat if self._counted_at is None else min(heartbeat, self._counted_at + COUNT_DELAY)
                if self._pending or now >= due or (self._closing and self._counted_at is not None):
                    return self._take()
                if self._closing:
                    return None
                self._is_waiting = True
            self._wakeup.acquire(timeout=due - now)

    def _take(self) -> _Report:
        horizon = time.monotonic() - STALE_AFTER
        while len(self._pending) > 1 and self._pending[0].entered < horizon:
            self._pending.popleft()
        heartbeat = not self._pending
        if self._pending:
            self._sent = self._pending.popleft()
        totals = (self._processed, self._low_confidence, self._sent_to_server)
        if self._pending:
            totals = self._sent.totals
        self._counted_at = None
        durations = list(self._durations)
        self._durations.clear()
        self._sequence += 1
        return _Report(self._sent, self._sequence, totals, durations, heartbeat)

    def _renewed(self, report: _Report) -> _Report:
        """Return a report of what is queued now, in place of one that certainly did not arrive."""
        with self._lock:
            newer = self._take()
        return newer._replace(
            durations=(report.durations + newer.durations)[-MAX_DURATIONS:],
            heartbeat=report.heartbeat and newer.heartbeat,
        )

    def _deliver(self, report: _Report) -> None:
        """Send `report` until it is accepted or rejected; while closing, try only once more."""
        pause, longest = BACK_OFF
        may_have_arrived = False
        while True:
            last_try = self._closing
            verdict = self._link.exchange(self._body(report))
            if verdict == "rejected":
                bare = report._replace(state=_State(report.state.status))
                verdict = self._link.exchange(self._body(bare))
                if verdict == "rejected":
                    self._sent = _State("idle")  # so that heartbeats, which carry the counts, are accepted
            if verdict in ("accepted", "rejected") or last_try:
                return
            self._wakeup.acquire(timeout=pause)
            pause = min(2 * pause, longest)
            # A report that an earlier attempt may have brought is repeated as it was: renewed, it would count twice.
            may_have_arrived = may_have_arrived or verdict == "unknown"
            if not may_have_arrived:
                report = self._renewed(report)

    def _body(self, report: _Report) -> bytes:
        processed, low_confidence, sent_to_server = report.totals
        fields: dict[str, Any] = {
            "status": report.state.status,
            "message": report.state.message,
            "current_task": report.state.task,
            "ttl": self._ttl,
            "session": self._session,
            "sequence": report.sequence,
            "totals": {
                "processed": processed,
                "low_confidence": low_confidence,
                "sent_to_server": sent_to_server,
            },
        }
        if report.heartbeat:
            fields["heartbeat"] = True
        if report.durations:
            fields["inference_seconds"] = report.durations
        details = report.state.details
        return _json(fields) if details is None else _json(fields)[:-1] + b', "task_info": ' + details + b"}"


_CONNECTIONS: dict[str, type[http.client.HTTPConnection]] = {
    "http": http.client.HTTPConnection,
    "https": http.client.HTTPSConnection,
}


class _Link:
    """The HTTP connection to the monitor, kept open between reports; every exchange ends by a deadline.

    Proxies of the environment are not used, redirects not followed: the monitor is on this machine.
    """

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._headers = {"Content-Type": "application/json"}
        self._connection: http.client.HTTPConnection | None = None
        self._trouble = ""
        try:
            if token:
                self._headers["Authorization"] = f"Bearer {token}"
            parts = urllib.parse.urlsplit(url)
            self._kind = _CONNECTIONS[parts.scheme]
            self._address = (parts.hostname or "", parts.port)
            self._path = parts.path.rstrip("/") + "/api/update_status"
            self.usable = bool(parts.hostname)
        except Exception:  # noqa: BLE001 (what is given may be no text at all)
            self.usable = False
        if not self.usable:
            _log.error("%r is not the URL of a monitor, nothing is reported", url)

    def exchange(self, body: bytes) -> str:
        """Post `body`; return `accepted`, `rejected`, `unsent` (certainly not arrived) or `unknown`."""
        verdict, trouble = "unknown", ""
        try:
            status, reply = self.post(body)
            if _is_success(status, reply):
                verdict = "accepted"
            else:
                verdict = {400: "rejected", 413: "rejected", 429: "unsent"}.get(status, "unknown")
                trouble = f"answers {status} {reply[:200]!r}"
        except _UnsentError as error:
            verdict, trouble = "unsent", str(error)
        except Exception as error:  # noqa: BLE001 (no reply of a broken server may end the thread)
            trouble = repr(error)
        if trouble and not self._trouble:
            _log.warning("monitor %s: %s; reports wait", self._url, trouble)
        elif self._trouble and not trouble:
            _log.info("monitor %s accepts reports again", self._url)
        self._trouble = trouble
        return verdict

    def post(self, body: bytes) -> tuple[int, bytes]:
        """Post `body` and return status and reply; raises the errors of socket and http.client."""
        deadline = time.monotonic() + REPLY_TIMEOUT
        kept = self._connection
        if kept is not None:
            try:
                return self._exchange_on(kept, body, deadline)
            except (ConnectionError, http.client.BadStatusLine):
                pass  # the monitor may have closed an idle connection; sequence and totals make a second try safe
        try:
            connection = self._connect(deadline)
        except OSError as error:
            if kept is not None:
                raise  # the report may have arrived over the kept connection
            raise _UnsentError(repr(error)) from error
        return self._exchange_on(connection, body, deadline)

    def close(self) -> None:
        """Close the connection; the next exchange opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self, deadline: float) -> http.client.HTTPConnection:
        connection = self._kind(*self._address, timeout=max(deadline - time.monotonic(), 0.001))
        try:
            connection.connect()
        except BaseException:
            connection.close()
            raise
        return connection

    def _exchange_on(self, connection: http.client.HTTPConnection, body: bytes, deadline: float) -> tuple[int, bytes]:
        plain = connection.sock
        self._connection = None
        try:
            connection.sock = _TimedSocket(plain, deadline)
            connection.request("POST", self._path, body, self._headers)
            response = connection.getresponse()
            reply = response.read(64 * 1024)
            reusable = response.isclosed() and connection.sock is not None
        except BaseException:
            connection.close()
            raise
        if reusable:
            connection.sock = plain
            self._connection = connection
        else:
            connection.close()
        return response.status, reply


class _UnsentError(OSError):
    """No connection: nothing was sent."""


class _TimedSocket:
    """The part of a socket that http.client uses; a socket's own timeout would start again at each byte."""

    def __init__(self, plain: socket.socket, deadline: float) -> None:
        self._plain = plain
        self._deadline = deadline

    def sendall(self, data: bytes) -> None:
        self._plain.settimeout(_remaining(self._deadline))
        self._plain.sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_TimedReader(self._plain, self._deadline))

    def close(self) -> None:
        self._plain.close()


class _TimedReader(io.RawIOBase):
    def __init__(self, plain: socket.socket, deadline: float) -> None:
        self._plain = plain
        self._deadline = deadline
        self._raw = plain.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._plain.settimeout(_remaining(self._deadline))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


def _remaining(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise socket.timeout("no whole reply in time")
    return left


def _is_success(status: int, reply: bytes) -> bool:
    """Return whether a monitor accepted the report; another service on its port may answer 200 too."""
    try:
        answer = json.loads(reply)
    except ValueError:
        return False
    return status == 200 and isinstance(answer, dict) and answer.get("success") is True


def _json(fields: Mapping[str, Any]) -> bytes:
    # A lone surrogate becomes "?", because the monitor rejects it.
    return json.dumps(fields, ensure_ascii=False, allow_nan=False, default=str).encode("utf-8", "replace")


def _details(task_info: Mapping[str, Any] | None) -> bytes | None:
    """Return `task_info` as JSON, None when it cannot be sent."""
    if task_info is None:
        return None
    try:
        details = _json(dict(task_info))
    except Exception:  # noqa: BLE001 (the objects inside may raise anything)
        return None
    return details if len(details) <= MAX_DETAILS else None


def _text(value: object) -> str:
    """Return `value` as text of bounded length, empty when it cannot be converted."""
    try:
        return (value if isinstance(value, str) else str(value))[:MAX_TEXT]
    except Exception:  # noqa: BLE001 (the same)
        return ""


def _checked_ttl(ttl: float) -> float:
    """Return the nearest time to live that the monitor accepts, in seconds."""
    shortest, longest = TTL_RANGE
    try:
        seconds = float(ttl)
    except Exception:  # noqa: BLE001 (the same)
        seconds = math.nan
    checked = TTL if math.isnan(seconds) else min(max(seconds, shortest), longest)
    if checked != seconds:
        _log.error("ttl %r is not a number of seconds from %g to %g; %g is used", ttl, shortest, longest, checked)
    return checked


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line; the environment gives it defaults."""
    made = argparse.ArgumentParser("python -m exporter.reporter", description="Report a work state once.")
    made.add_argument("status", help="idle, detecting or sending")
    made.add_argument("--message", default="", help="For people to read.")
    made.add_argument("--task", default="", help="What is being worked on.")
    made.add_argument("--ttl", type=float, help="Seconds that the state lasts without a further report.")
    made.add_argument("--inference-seconds", type=float, help="Time that the model took.")
    made.add_argument("--url", default=os.environ.get("CMZSB_URL", DEFAULT_URL), help="The monitor's root.")
    made.add_argument("--token-file", default=os.environ.get("CMZSB_TOKEN_FILE"), help="File with the monitor's token.")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Report once, for shell scripts; exit status 0 when it was accepted, else 1 and one line on stderr."""
    options = parser().parse_args(arguments)
    fields = {
        "status": options.status,
        "message": options.message,
        "current_task": options.task,
        "ttl": options.ttl,
        "inference_seconds": options.inference_seconds,
    }
    try:
        token = ""
        if options.token_file:
            with open(options.token_file, encoding="utf-8") as file:
                token = file.read().strip()
        link = _Link(options.url, token)
        if not link.usable:
            return 1
        status, reply = link.post(_json({name: value for name, value in fields.items() if value is not None}))
        link.close()
    except (OSError, ValueError, http.client.HTTPException) as error:
        print(f"reporter: {options.url}: {error!r}", file=sys.stderr)
        return 1
    if not _is_success(status, reply):
        print(f"reporter: {options.url} answers {status} {reply[:200]!r}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
