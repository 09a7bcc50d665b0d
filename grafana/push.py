"""Loads dashboards into a running Grafana through its HTTP API (9.4 and later).

https://grafana.com/docs/grafana/latest/developers/http_api/
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

import requests

from grafana import datasource
from servicekit.errors import StartError
from servicekit.text import one_line

_TIMEOUT: Final = 10.0
_OLDEST: Final = (9, 4)
FOLDER_UID: Final = "cmzsb"
FOLDER_TITLE: Final = "CM-ZSB"
_EDITOR: Final = "the token needs the role Editor"
_ADMIN: Final = (
    "the token needs the role Admin to make or change a data source; leave --prometheus-url out if it exists"
)


class Grafana:
    """A Grafana at `url`, used with a service account's `token`. Every call may raise `StartError`."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url.rstrip("/")
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Authorization"] = f"Bearer {token}"

    def check_version(self) -> str:
        """Return Grafana's version. Raises `StartError` for one that is too old."""
        version = str(self._request("GET", "/api/health", advice=_EDITOR).get("version", ""))
        numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
        if numbers < _OLDEST:
            raise StartError(f"{self._url} is Grafana {version or 'of unknown version'}; 9.4 or later is needed")
        return version

    def ensure_folder(self, title: str | None) -> None:
        """Create the dashboards' folder where it is missing; with a `title`, also rename the one that is there."""
        path = f"/api/folders/{FOLDER_UID}"
        response = self._send("GET", path)
        # Grafana 12 answers 403 to an Editor who reads a folder that is missing.
        if response.status_code in (HTTPStatus.NOT_FOUND, HTTPStatus.FORBIDDEN):
            body = {"uid": FOLDER_UID, "title": title or FOLDER_TITLE}
            self._request("POST", "/api/folders", body, advice=f"{_EDITOR}, also for the folder {FOLDER_UID}")
        elif title not in (None, self._json_of(response, _EDITOR).get("title")):
            self._request("PUT", path, {"title": title, "overwrite": True}, advice=_EDITOR)

    def ensure_datasource(self, prometheus_url: str) -> None:
        """Create the data source, or point the existing one to `prometheus_url`."""
        path = f"/api/datasources/uid/{datasource.UID}"
        wanted = datasource.settings(prometheus_url)
        response = self._send("GET", path)
        if response.status_code == HTTPStatus.NOT_FOUND:
            self._request("POST", "/api/datasources", wanted, advice=_ADMIN)
            return
        found = self._json_of(response, _ADMIN)
        if not found.get("readOnly"):
            self._request("PUT", path, wanted, advice=_ADMIN)
        elif found.get("url") != prometheus_url:
            raise StartError(
                f"the data source {datasource.UID} was provisioned from a file with the address {found.get('url')}; "
                "change that file, and leave --prometheus-url out"
            )

    def save(self, dashboard: dict[str, Any]) -> str:
        """Create or replace a dashboard; return its address."""
        body = {"dashboard": dashboard, "folderUid": FOLDER_UID, "overwrite": True}
        self._request("POST", "/api/dashboards/db", body, advice=_EDITOR)
        # Without the slug of Grafana's reply, which for a Chinese title is a row of hexadecimal digits.
        return f"{self._url}/d/{dashboard['uid']}"

    def _request(self, method: str, path: str, body: dict[str, Any] | None = None, *, advice: str) -> dict[str, Any]:
        return self._json_of(self._send(method, path, body), advice)

    def _send(self, method: str, path: str, body: dict[str, Any] | None = None) -> requests.Response:
        try:
            return self._session.request(method, self._url + path, json=body, timeout=_TIMEOUT, allow_redirects=False)
        except requests.RequestException as error:
            raise StartError(f"{self._url} cannot be reached ({type(error).__name__})") from None

    def _json_of(self, response: requests.Response, advice: str) -> dict[str, Any]:
        """Return the reply; `advice` is what to do where Grafana forbids the request."""
        status, request = response.status_code, f"{response.request.method} {response.request.path_url}"
        message = one_line(response.text.strip())
        if response.is_redirect:
            # A followed redirect would turn a POST into a GET, and would give the token to another address.
            raise StartError(f"{self._url} redirects to {one_line(response.headers['Location'])}: give that address")
        if status == HTTPStatus.UNAUTHORIZED:
            raise StartError(f"{self._url} refuses the token (401): {message}")
        if status == HTTPStatus.FORBIDDEN:
            raise StartError(f"{self._url} forbids {request} (403; {advice}): {message}")
        if not response.ok:
            raise StartError(f"{self._url} answers {status} to {request}: {message}")
        try:
            reply = response.json()
        except requests.JSONDecodeError:
            reply = None
        if not isinstance(reply, dict):
            raise StartError(f"{self._url} is no Grafana: {request} returns no JSON object")
        return reply
