"""Questions to the services that are named in the configuration: Ray, CastRay, Prometheus."""

from __future__ import annotations

import time
from typing import Any, Final

import requests

from castray_bridge.cluster import SourceError
from servicekit import strict_json

BUDGET: Final = 2.0
"""Seconds for one question."""
_BODY_LIMIT: Final = 64 * 1024 * 1024


class JsonClient:
    """Asks one service, called `who` in its errors; `token_advice` is told when the service demands a token.

    No redirects, no proxies of the environment. Not thread-safe.
    """

    def __init__(self, who: str, token: str | None, token_advice: str) -> None:
        self._who = who
        self._token_advice = token_advice
        self._session = requests.Session()
        self._session.trust_env = False
        if token:
            self._session.headers["Authorization"] = f"Bearer {token}"

    def get(self, url: str, **parameters: str) -> Any:
        """Return what the JSON at `url` says, within `BUDGET` seconds. Raises `SourceError`."""
        deadline = time.monotonic() + BUDGET
        try:
            with self._session.get(
                url, params=parameters, timeout=BUDGET, stream=True, allow_redirects=False
            ) as response:
                if response.status_code == 401:
                    raise SourceError(f"{self._who} demands a token (401): {self._token_advice}")
                if response.status_code != 200:
                    raise SourceError(f"{self._who} answers {response.status_code}")
                return strict_json.loads(self._body(response, deadline))
        except requests.Timeout:
            raise SourceError(f"{self._who} does not answer within {BUDGET:g} s") from None
        except requests.RequestException as error:
            raise SourceError(f"{self._who} cannot be reached ({type(error).__name__})") from None
        except strict_json.StrictJSONError:
            raise SourceError(f"{self._who} answers something that is not JSON") from None

    def _body(self, response: requests.Response, deadline: float) -> bytes:
        body = bytearray()
        for chunk in response.iter_content(64 * 1024):
            body += chunk
            if len(body) > _BODY_LIMIT:
                raise SourceError(f"{self._who} answers more than {_BODY_LIMIT} bytes")
            if time.monotonic() > deadline:
                raise requests.Timeout
        return bytes(body)
