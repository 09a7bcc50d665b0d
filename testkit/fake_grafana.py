"""As much of Grafana's HTTP API as loading dashboards needs, keeping what it was given."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, jsonify, request
from flask.typing import ResponseReturnValue

TOKEN = "glsa_right"


class FakeGrafana:
    """State and routes; `app` is what a server serves. Its token has the role Editor or Admin."""

    def __init__(self, version: str = "11.6.0", role: str = "Admin") -> None:
        self.role = role
        self.major = int(version.partition(".")[0])
        self.folders: dict[str, dict[str, Any]] = {}
        self.datasources: dict[str, dict[str, Any]] = {}
        self.dashboards: dict[str, dict[str, Any]] = {}
        self.writes: list[str] = []
        self.app = Flask("fake_grafana")
        self.app.before_request(self._check)
        for method, path, view in (
            ("GET", "/api/health", lambda: jsonify(version=version)),
            ("GET", "/api/folders/<uid>", self._folder),
            ("POST", "/api/folders", self._make_folder),
            ("PUT", "/api/folders/<uid>", self._rename),
            ("GET", "/api/datasources/uid/<uid>", lambda uid: self._found(self.datasources, uid)),
            ("PUT", "/api/datasources/uid/<uid>", self._change_datasource),
            ("POST", "/api/datasources", lambda: self._keep(self.datasources)),
            ("POST", "/api/dashboards/db", self._save),
        ):
            self.app.add_url_rule(path, f"{method} {path}", view, methods=[method])

    def _check(self) -> ResponseReturnValue | None:
        if request.method != "GET":
            self.writes.append(request.path)
        if request.path == "/api/health":
            return None
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return jsonify(message="Invalid API key"), 401
        if request.path.startswith("/api/datasources") and self.role != "Admin":
            return jsonify(message="You'll need additional permissions to perform this action."), 403
        return None

    def _found(self, kept: dict[str, dict[str, Any]], uid: str) -> ResponseReturnValue:
        return jsonify(kept[uid]) if uid in kept else (jsonify(message="not found"), 404)

    def _folder(self, uid: str) -> ResponseReturnValue:
        if uid not in self.folders and self.major >= 12 and self.role != "Admin":
            return jsonify(message="You'll need additional permissions to perform this action."), 403
        return self._found(self.folders, uid)

    def _make_folder(self) -> ResponseReturnValue:
        if request.get_json()["uid"] in self.folders:
            return jsonify(message="the folder has been changed by someone else"), 412
        return self._keep(self.folders)

    def _rename(self, uid: str) -> ResponseReturnValue:
        body = request.get_json()
        if not body.get("overwrite"):
            return jsonify(message="the folder has been changed by someone else"), 412
        self.folders[uid]["title"] = body["title"]
        return jsonify(self.folders[uid])

    def _change_datasource(self, uid: str) -> ResponseReturnValue:
        if self.datasources[uid].get("readOnly"):
            return jsonify(message="Cannot update read-only data source"), 403
        return self._keep(self.datasources)

    def _keep(self, kept: dict[str, dict[str, Any]]) -> Response:
        body = request.get_json()
        kept[body["uid"]] = body
        return jsonify(body)

    def _save(self) -> ResponseReturnValue:
        body = request.get_json()
        if body["folderUid"] not in self.folders:
            return jsonify(message="folder not found"), 400
        uid = body["dashboard"]["uid"]
        self.dashboards[uid] = body
        return jsonify(url=f"/d/{uid}/cm-zsb-e88a82-e782b9")
