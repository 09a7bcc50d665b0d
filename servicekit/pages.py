"""The pages of the services: static files under a strict Content-Security-Policy, and the table of states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, Protocol

from flask import Blueprint, Response, jsonify, send_from_directory
from werkzeug.exceptions import NotFound

_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",  # covers ws: and wss: on this host too (CSP 3)
        "require-trusted-types-for 'script'",  # the browser itself refuses innerHTML
        "trusted-types 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors *",  # operators put the wall into their own dashboards; it has nothing to click away
    )
)


class ShownState(Protocol):
    """What a page needs of a row of the states table."""

    @property
    def name(self) -> str: ...
    @property
    def code(self) -> int: ...
    @property
    def en(self) -> str: ...
    @property
    def zh(self) -> str: ...
    @property
    def colour(self) -> str: ...
    @property
    def shade(self) -> str: ...


def blueprint(package: str, states: Sequence[ShownState], documents: Mapping[str, Any] | None = None) -> Blueprint:
    """Return routes for `/`, `/static/<file>`, `/static/states.json` and the JSON `documents` by file name.

    Files come from `<package>/static`, else from the folder that all pages share.
    """
    pages = Blueprint("pages", __name__)
    folders = [Path(str(files(name))) / "static" for name in (package, "servicekit")]
    table = [{key: getattr(state, key) for key in ("name", "code", "en", "zh", "colour", "shade")} for state in states]

    @pages.get("/")
    def index() -> Response:
        return send_from_directory(folders[0], "index.html")

    @pages.get("/static/states.json")
    def states_table() -> Response:
        return jsonify(table)

    @pages.get("/static/<name>")
    def static_file(name: str) -> Response:
        if documents and name in documents:
            return jsonify(documents[name])
        for folder in folders:
            if (folder / name).is_file():
                return send_from_directory(folder, name)
        raise NotFound("no such file")

    @pages.after_request
    def protect(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = _POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        # Revalidated each time: an upgraded service must not run the old page.
        response.headers["Cache-Control"] = "no-cache"
        return response

    return pages
