"""Loads dashboards into a running Grafana through its HTTP API (9.4 and later).

https://grafana.com/docs/grafana/latest/developers/http_api/
"""

from __future__ import annotations

from typing import Any, Final

import requests

from servicekit.errors import StartError
from servicekit.text import one_line

_TIMEOUT: Final = 10.0
_OLDEST: Final = (9, 4)
FOLDER_UID: Final = "cmzsb"
FOLDER_TITLE: Final = "CM-ZSB"
DATASOURCE_UID: Final = "cmzsb-prometheus"


class Grafana:
    """A Grafana at `url`, used with a service account's `token`. Every call may raise `StartError`."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url.rstrip("/")
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Authorization"] = f"Bearer {token}"

    def check_version(self) -> str:
        """Return Grafana's version. Raises `StartError` for one that is too old."""
        version = str(self._request("GET", "/api/health").get("version", ""))
        numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
        if numbers < _OLDEST:
            raise StartError(f"{self._url} is Grafana {version or 'of unknown version'}; 9.4 or later is needed")
        return version

    def ensure_folder(self, title: str | None) -> None:
        """Create the dashboards' folder where it is missing; with a `title`, also rename the one that is there."""
        path = f"/api/folders/{FOLDER_UID}"
        found = self._get(path)
        if found is None:
            self._request("POST", "/api/folders", {"uid": FOLDER_UID, "title": title or FOLDER_TITLE})
        elif title not in (None, found.get("title")):
            self._request("PUT", path, {"title": title, "overwrite": True})

    def ensure_datasource(self, prometheus_url: str) -> None:
        """Create the data source, or point the existing one to `prometheus_url`."""
        wanted = {
            "uid": DATASOURCE_UID,
            "name": "Prometheus (CM-ZSB)",
            "type": "prometheus",
            "access": "proxy",
            "url": prometheus_url,
            "jsonData": {"timeInterval": "5s"},
        }
        path = f"/api/datasources/uid/{DATASOURCE_UID}"
        if self._get(path) is None:
            self._request("POST", "/api/datasources", wanted)
        else:
            self._request("PUT", path, wanted)

    def save(self, dashboard: dict[str, Any]) -> str:
        """Create or replace a dashboard; return its address."""
        reply = self._request(
            "POST", "/api/dashboards/db", {"dashboard": dashboard, "folderUid": FOLDER_UID, "overwrite": True}
        )
        return self._url + str(reply.get("url", ""))

    def _get(self, path: str) -> dict[str, Any] | None:
        response = self._send("GET", path)
        return None if response.status_code == 404 else self._json_of(response)

    def _request(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        return self._json_of(self._send(method, path, body))

    def _send(self, method: str, path: str, body: dict[str, Any] | None = None) -> requests.Response:
        try:
            return self._session.request(method, self._url + path, json=body, timeout=_TIMEOUT, allow_redirects=False)
        except requests.RequestException as error:
            raise StartError(f"{self._url} cannot be reached ({type(error).__name__})") from None

    def _json_of(self, response: requests.Response) -> dict[str, Any]:
        status, request = response.status_code, f"{response.request.method} {response.request.path_url}"
        message = one_line(response.text.strip())
        if response.is_redirect:
            # A followed redirect would turn a POST into a GET, and would give the token to another address.
            raise StartError(f"{self._url} redirects to {one_line(response.headers['Location'])}: give that address")
        if status == 401:
            raise StartError(f"{self._url} refuses the token (401): {message}")
        if status == 403:
            needed = "the token needs the role Editor, or Admin for a data source"
            raise StartError(f"{self._url} forbids {request} (403; {needed}): {message}")
        if not response.ok:
            raise StartError(f"{self._url} answers {status} to {request}: {message}")
        try:
            reply = response.json()
        except requests.JSONDecodeError:
            reply = None
        if not isinstance(reply, dict):
            raise StartError(f"{self._url} is no Grafana: {request} returns no JSON object")
        return reply
