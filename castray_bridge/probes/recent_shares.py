"""The time per state of the last hour, of the nodes that viewers look at.

A node's monitor is asked once; from then on each result of its probes extends the record, so that viewers cost the
nodes nothing. The monitor is asked again after a time without an answer, and now and then, because it also sees what
is shorter than a probe; its own record counts.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable
from concurrent.futures import Future, wait
from typing import Any, Final, NamedTuple

from castray_bridge.probes.monitor_requests import MonitorRequests
from castray_bridge.probes.share_replies import parse_shares
from castray_bridge.probes.status import ProbeResult
from castray_bridge.sources.discovery import Target
from exporter.states import UNKNOWN
from servicekit.address import Address
from servicekit.clock import Clock
from servicekit.shares import Shares

STEP: Final = 60
MINUTES: Final = 60
"""What is kept of each node: an hour of minutes."""
RENEW_SECONDS: Final = 300.0
FORGET_SECONDS: Final = 900.0
"""Without a viewer for so long, a node's record is dropped."""
_SILENCE_SECONDS: Final = 60.0
"""Without a result for so long, the node's state counts as unknown."""
_SPANS_LIMIT: Final = 2000


class _Reply(NamedTuple):
    shares: Shares
    received_at: float


class _Span(NamedTuple):
    state: str
    begin: float
    end: float


class _Record:
    """One node's last hour, with what was seen since its monitor was asked. Times in Unix seconds."""

    def __init__(self, now: float) -> None:
        self.shares = Shares(STEP, now - 60 * MINUTES, now)
        self.used_at = now
        self.state: str | None = None
        self.request: Future[_Reply] | None = None
        self.renew_at = -math.inf
        self._seen_until = now
        self._noted_at = now
        self._spans: list[_Span] = []

    def note(self, state: str, now: float) -> None:
        """Take over the state as of `now`."""
        self.extend(now)
        if self.state == UNKNOWN.name != state:
            self.renew_at = now  # the monitor knows what it did meanwhile
        self.state, self._noted_at = state, now

    def extend(self, now: float) -> None:
        """Add the time since the last call in the present state."""
        if self.state is not None:
            silent_from = self._noted_at + _SILENCE_SECONDS
            self._add(_Span(self.state, self._seen_until, min(now, silent_from)))
            self._add(_Span(UNKNOWN.name, max(self._seen_until, silent_from), now))
        self._seen_until = now

    def begin_request(self, request: Future[_Reply], now: float) -> None:
        self.request, self.renew_at = request, now + RENEW_SECONDS
        self._spans.clear()

    def take_reply(self, now: float) -> None:
        """Replace the record by the monitor's own, if it has replied, and add what was seen since."""
        request = self.request
        if request is None or not request.done():
            return
        self.extend(now)
        self.request = None
        if request.cancelled() or request.exception() is not None:
            return
        reply = request.result()
        seen = self.shares
        self.shares = reply.shares
        self.shares.move_to(now - 60 * MINUTES, now)
        self.shares.fill_up(UNKNOWN.name, seen, reply.received_at)
        for span in self._spans:
            self.shares.add(span.state, max(span.begin, reply.received_at), span.end)
        self._spans.clear()

    def _add(self, span: _Span) -> None:
        if span.begin >= span.end:
            return
        self.shares.move_to(span.end - 60 * MINUTES, span.end)
        self.shares.add(*span)
        if self.request is not None and len(self._spans) < _SPANS_LIMIT:
            self._spans.append(span)


class RecentShares:
    """Keeps the records. Thread-safe."""

    def __init__(self, clock: Clock, requests: MonitorRequests) -> None:
        self._clock = clock
        self._requests = requests
        self._lock = threading.Lock()
        self._records: dict[Address, _Record] = {}
        """In the order of their last use."""

    def note(self, result: ProbeResult) -> None:
        """Extend the record of a node by a result of its probes; free where nobody looks at the node."""
        if result.address in self._records:
            with self._lock:
                record = self._records.get(result.address)
                if record is not None:
                    record.note(result.status.state, self._clock.time())

    def of(self, nodes: Iterable[Target], minutes: int, step: int) -> dict[str, dict[str, Any]]:
        """Return `{name: {"begin", "seconds": {state: […]}}}`, within the budget of one request.

        A node that has not replied in time is left out; its reply is there at the next call.
        """
        if step != STEP or minutes > MINUTES:
            return self._passed_on(nodes, minutes, step)
        now = self._clock.time()
        addresses = {node.name: node.address for node in nodes}
        with self._lock:
            requests = [self._use(address, now) for address in addresses.values()]
        wait([request for request in requests if request is not None], self._requests.timeout)
        found = {}
        with self._lock:
            now = self._clock.time()
            for name, address in addresses.items():
                record = self._records.get(address)
                if record is not None:
                    record.take_reply(now)
                    record.extend(now)
                    found[name] = record.shares.columns(now - 60 * minutes)
        return {name: columns for name, columns in found.items() if columns["seconds"]}

    def _use(self, address: Address, now: float) -> Future[_Reply] | None:
        """Put the record last, ask for it if that is due, and drop those that are no longer used."""
        record = self._records.pop(address, None) or _Record(now)
        self._records[address] = record
        record.used_at = now
        while now - (oldest := next(iter(self._records.items())))[1].used_at > FORGET_SECONDS:
            del self._records[oldest[0]]
        if record.request is None and record.renew_at <= now:
            record.begin_request(self._submit(address, MINUTES, STEP), now)
        return record.request

    def _submit(self, address: Address, minutes: int, step: int) -> Future[_Reply]:
        def path() -> str:
            return f"/api/history?since={self._clock.time() - 60 * minutes:.0f}&step={step}"

        def parse(body: bytes) -> _Reply:
            received_at = self._clock.time()
            return _Reply(parse_shares(body, step, received_at - 60 * minutes, received_at), received_at)

        return self._requests.submit(address, f"shares {minutes} {step}", path, parse)

    def _passed_on(self, nodes: Iterable[Target], minutes: int, step: int) -> dict[str, dict[str, Any]]:
        pending = {node.name: self._submit(node.address, minutes, step) for node in nodes}
        done, _ = wait(pending.values(), self._requests.timeout)
        begin = self._clock.time() - 60 * minutes
        return {
            name: request.result().shares.columns(begin)
            for name, request in pending.items()
            if request in done and request.exception() is None
        }
