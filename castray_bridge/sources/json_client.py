"""Client of the services named in the configuration: Ray, CastRay, Prometheus."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlencode

import requests

from castray_bridge.sources.cluster import SourceError
from castray_bridge.sources.http_request import HTTPRequest
from servicekit import strict_json
from servicekit.log import event
from servicekit.text import one_line

BUDGET: Final = 2.0
"""Default seconds for one round of requests: name lookup, connect, headers and bodies together."""
_BODY_LIMIT: Final = 64 * 1024 * 1024
_ABORT_SECONDS: Final = 0.2
"""The thread of an aborted request ends much sooner."""
_WORDS_LIMIT: Final = 300
_CA_VARIABLES: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""The environment variables of `requests` for certificates to trust."""

Buffer = bytes | bytearray
Decode = Callable[[Buffer], Any]
"""Makes a value of a body; raises `ValueError` for what is not JSON. It must not keep the buffer."""

_log = logging.getLogger(__name__)


def decode_strictly(body: Buffer) -> Any:
    """Return the value of a JSON text, with everything in it, because some of it is passed on as it is."""
    return strict_json.loads(body, max_integer=strict_json.ANY_INTEGER)


class HTTPStatusError(SourceError):
    """A reply with another HTTP status than 200; `explanation` is the service's own text, one line, maybe empty."""

    def __init__(self, message: str, status: int, explanation: str) -> None:
        super().__init__(message)
        self.status = status
        self.explanation = explanation


class JsonClient:
    """Sends requests to one service, named `service` in errors. Not thread-safe.

    `explanations` are texts for HTTP statuses other than 200, used instead of the bare number. There are no redirects
    and no proxies of the environment. Each request has a thread and a connection of its own; a thread that does not
    end (a name lookup can hang) is abandoned: it is logged, and until it ends no further request is sent, so that
    abandoned threads are never more than the requests of one round.
    """

    def __init__(
        self,
        service: str,
        *,
        budget: float = BUDGET,
        token: Callable[[], str | None] = lambda: None,
        explanations: Mapping[int, str] | None = None,
        ca_file: str | None = None,
    ) -> None:
        """`token` is called for each round, so that it may change; `ca_file` holds the certificates to trust."""
        self._service = service
        self._budget = budget
        self._explanations = explanations or {}
        self._token = token
        self._verify = ca_file or next(filter(None, map(os.environ.get, _CA_VARIABLES)), True)
        self._in_flight: list[HTTPRequest] = []
        self._abandoned: list[HTTPRequest] = []

    def deadline(self) -> float:
        """Return when a round of requests that starts now must have ended, by `time.monotonic`."""
        return time.monotonic() + self._budget

    def get(self, url: str, deadline: float | None = None, decode: Decode = decode_strictly, **parameters: str) -> Any:
        """Return the JSON at `url`. Raises `SourceError`, at `deadline` at the latest (None: one budget from now)."""
        (found,) = self.get_all({f"{url}?{urlencode(parameters)}" if parameters else url: decode}, deadline)
        if isinstance(found, SourceError):
            raise found
        return found

    def get_all(self, urls: Mapping[str, Decode], deadline: float | None = None) -> list[Any]:
        """Request all `urls` in parallel; return for each its JSON as read by its decoder, or its `SourceError`."""
        deadline = self.deadline() if deadline is None else deadline
        self._abandoned = [request for request in self._abandoned if not request.ended_by(deadline)]
        if self._abandoned:
            return [self._timeout_error() for _ in urls]
        headers = {"Connection": "close"} | ({"Authorization": f"Bearer {token}"} if (token := self._token()) else {})
        left = max(0.001, deadline - time.monotonic())
        sent = self._in_flight = [HTTPRequest(url, headers, left, _BODY_LIMIT, self._verify) for url in urls]
        in_time = [request.ended_by(deadline) for request in sent]
        self._abort(sent)
        self._in_flight = []  # with their bodies, which are large
        return [
            self._result(request, decode) if was_in_time else self._timeout_error()
            for request, was_in_time, decode in zip(sent, in_time, urls.values(), strict=True)
        ]

    def abort(self) -> None:
        """End the requests in flight, from another thread."""
        for request in self._in_flight:
            request.abort()

    def _abort(self, sent: list[HTTPRequest]) -> None:
        for request in sent:
            request.abort()
        end = time.monotonic() + _ABORT_SECONDS
        self._abandoned = [request for request in sent if not request.ended_by(end)]
        if self._abandoned:
            _log.warning(event("request_abandoned", service=self._service, threads=len(self._abandoned)))

    def _result(self, request: HTTPRequest, decode: Decode) -> Any:
        if isinstance(request.failure, requests.Timeout):
            return self._timeout_error()
        if request.failure is not None:
            return SourceError(f"{self._service} cannot be reached ({type(request.failure).__name__})")
        if request.status != 200:
            return self._status_error(request)
        if len(request.body) > _BODY_LIMIT:
            return SourceError(f"{self._service} answers more than {_BODY_LIMIT} bytes")
        body, request.body = request.body, bytearray()
        try:
            return decode(body)
        except ValueError:
            return SourceError(f"{self._service} answers something that is not JSON")

    def _status_error(self, request: HTTPRequest) -> HTTPStatusError:
        own_words = _own_words(request.body)
        detail = f"answers {request.status}" + (f": {own_words}" if own_words else "")
        message = f"{self._service} {self._explanations.get(request.status, detail)}"
        return HTTPStatusError(message, request.status, own_words)

    def _timeout_error(self) -> SourceError:
        return SourceError(f"{self._service} does not answer within {self._budget:g} s")


def _own_words(body: Buffer) -> str:
    """Return the message of an error reply, in Ray's, Prometheus' or FastAPI's form; empty if there is none."""
    try:
        reply = decode_strictly(body[:_BODY_LIMIT])
    except strict_json.StrictJSONError:
        return ""
    found = (
        next((reply[key] for key in ("msg", "error", "detail") if reply.get(key)), "")
        if isinstance(reply, dict)
        else ""
    )
    return one_line(found, _WORDS_LIMIT) if isinstance(found, str) else ""
