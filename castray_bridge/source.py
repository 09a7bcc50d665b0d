"""Where the nodes come from: Ray's dashboard, or an existing CastRay."""

from __future__ import annotations

import time
from typing import Any, Final, Protocol

import requests

from castray_bridge import castray_nodes, ray_nodes
from castray_bridge.cluster import Cluster, SourceError
from servicekit import strict_json

BUDGET: Final = 2.0
"""Seconds for one question to the source."""
_BODY_LIMIT: Final = 64 * 1024 * 1024
_ALL: Final = 10_000
"""Ray cuts the list at 100 unless told otherwise; this is the most that it gives."""


class Source(Protocol):
    """Describes the cluster when asked."""

    def fetch(self) -> Cluster:
        """Return the cluster as of now; takes a few seconds at most. Raises `SourceError`."""
        ...


class RaySource:
    """Ray's own dashboard at `url`; `token` is what Ray's token mode demands."""

    def __init__(self, url: str, token: str | None = None) -> None:
        self._url = url.rstrip("/")
        self._client = _Client("Ray", token, "give its token with --ray-token-file")

    def fetch(self) -> Cluster:
        nodes = self._client.get(f"{self._url}/api/v0/nodes?limit={_ALL}")
        usage = self._optional("/nodes?view=summary")
        status = self._optional("/api/cluster_status")
        return ray_nodes.parse(nodes, usage, status, self._url)

    def _optional(self, path: str) -> Any:
        try:
            return self._client.get(self._url + path)
        except SourceError:
            return None


class CastRaySource:
    """An existing CastRay at `url`."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._client = _Client("CastRay", None, "it must be readable without a token")

    def fetch(self) -> Cluster:
        return castray_nodes.parse(self._client.get(f"{self._url}/api/ray-dashboard"))


class _Client:
    """Gets JSON within `BUDGET` seconds; no redirects, no proxies of the environment."""

    def __init__(self, who: str, token: str | None, token_advice: str) -> None:
        self._who = who
        self._token_advice = token_advice
        self._session = requests.Session()
        self._session.trust_env = False
        if token:
            self._session.headers["Authorization"] = f"Bearer {token}"

    def get(self, url: str) -> Any:
        deadline = time.monotonic() + BUDGET
        try:
            with self._session.get(url, timeout=BUDGET, stream=True, allow_redirects=False) as response:
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
