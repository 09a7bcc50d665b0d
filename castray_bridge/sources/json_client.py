"""Questions to the services that are named in the configuration: Ray, CastRay, Prometheus."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

import requests

from castray_bridge.sources.cluster import SourceError
from castray_bridge.sources.cuttable import CuttableAdapter
from servicekit import strict_json

BUDGET: Final = 2.0
"""Seconds for everything that is asked in one turn: finding the host, connecting, heads and bodies together."""
_BODY_LIMIT: Final = 64 * 1024 * 1024
_CUT_SECONDS: Final = 0.2
"""A thread whose connection was cut ends much sooner."""


class JsonClient:
    """Asks one service, called `who` in its errors; `token_advice` is told when the service demands a token.

    No redirects, no proxies of the environment, a new connection per question. Not thread-safe.
    """

    def __init__(self, who: str, token: str | None, token_advice: str) -> None:
        self._who = who
        self._token_advice = token_advice
        self._headers = {"Connection": "close"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        self._abandoned: list[_Question] = []

    def get(self, url: str, deadline: float | None = None, **parameters: str) -> Any:
        """Return what the JSON at `url` says, until `deadline` (of `time.monotonic`; None: a budget from now).

        Raises `SourceError`.
        """
        (found,) = self.get_all([f"{url}?{urlencode(parameters)}" if parameters else url], deadline)
        if isinstance(found, SourceError):
            raise found
        return found

    def get_all(self, urls: list[str], deadline: float | None = None) -> list[Any]:
        """Ask all `urls` at once; return what each one's JSON says, or the `SourceError` that it met."""
        deadline = time.monotonic() + BUDGET if deadline is None else deadline
        self._abandoned = [question for question in self._abandoned if not question.ended_by(deadline)]
        if self._abandoned:  # a resolver that hangs cannot be cut: its thread is waited for, and gets no company
            return [self._too_late() for _ in urls]
        questions = [_Question(url, self._headers) for url in urls]
        in_time = [question.ended_by(deadline) for question in questions]
        for question in questions:
            question.cut()
        end = time.monotonic() + _CUT_SECONDS
        self._abandoned = [question for question in questions if not question.ended_by(end)]
        return [
            self._result(question) if was_in_time else self._too_late()
            for question, was_in_time in zip(questions, in_time, strict=True)
        ]

    def _result(self, question: _Question) -> Any:
        if isinstance(question.failure, requests.Timeout):
            return self._too_late()
        if question.failure is not None:
            return SourceError(f"{self._who} cannot be reached ({type(question.failure).__name__})")
        if question.status == 401:
            return SourceError(f"{self._who} demands a token (401): {self._token_advice}")
        if question.status != 200:
            return SourceError(f"{self._who} answers {question.status}")
        if len(question.body) > _BODY_LIMIT:
            return SourceError(f"{self._who} answers more than {_BODY_LIMIT} bytes")
        try:
            return strict_json.loads(question.body, max_integer=strict_json.ANY_INTEGER)
        except strict_json.StrictJSONError:
            return SourceError(f"{self._who} answers something that is not JSON")

    def _too_late(self) -> SourceError:
        return SourceError(f"{self._who} does not answer within {BUDGET:g} s")


class _Question:
    """One GET in a thread of its own; `failure`, or `status` and `body`, are there once it has ended."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        self.failure: Exception | None = None
        self.status = 0
        self.body = b""
        self._adapter = CuttableAdapter()
        self._thread = threading.Thread(target=self._run, args=(url, headers), name="question", daemon=True)
        self._thread.start()

    def ended_by(self, deadline: float) -> bool:
        """Wait until `deadline` at most; return whether it has ended."""
        self._thread.join(max(0.0, deadline - time.monotonic()))
        return not self._thread.is_alive()

    def cut(self) -> None:
        """End it now."""
        self._adapter.cut()

    def _run(self, url: str, headers: Mapping[str, str]) -> None:
        try:
            with requests.Session() as session:
                session.trust_env = False
                session.mount("http://", self._adapter)
                session.mount("https://", self._adapter)
                self._ask(session, url, headers)
        except Exception as error:  # noqa: BLE001 (a thread has nobody else to tell)
            self.failure = error

    def _ask(self, session: requests.Session, url: str, headers: Mapping[str, str]) -> None:
        with session.get(url, headers=headers, timeout=BUDGET, stream=True, allow_redirects=False) as response:
            self.status = response.status_code
            if self.status != 200:
                return
            body = bytearray()
            for chunk in response.iter_content(64 * 1024):
                body += chunk
                if len(body) > _BODY_LIMIT:
                    break
            self.body = bytes(body)
