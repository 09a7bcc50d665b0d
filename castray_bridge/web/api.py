"""The bridge's HTTP API; every reply is made of the latest snapshot."""

from __future__ import annotations

from flask import Blueprint, Flask, Response, abort, jsonify, request
from flask.typing import ResponseReturnValue

from castray_bridge.bridge import Bridge
from castray_bridge.snapshot import render
from castray_bridge.web import wall, websocket
from castray_bridge.web.access import Access, guard
from castray_bridge.web.documents import Document, Documents
from castray_bridge.web.fast_path import FastPath
from castray_bridge.web.websocket import Push
from servicekit import operations
from servicekit.http import answer_errors_as_json

MAX_MINUTES = 24 * 60


def create_app(bridge: Bridge, push: Push, access: Access, alertmanager_url: str | None = None) -> Flask:
    """Build the WSGI application of a bridge; starts nothing. The wall links to `alertmanager_url`."""
    app = operations.create_flask("castray_bridge")
    answer_errors_as_json(app, on_internal_error=bridge.metrics.http_errors.inc)
    documents = Documents(bridge.store, bridge.poller)
    app.wsgi_app = FastPath(app.wsgi_app, documents, guard(app, access))  # type: ignore[method-assign] # as Flask says
    app.register_blueprint(_lists(bridge, documents))
    app.register_blueprint(_nodes(bridge, documents))
    app.register_blueprint(
        operations.blueprint("CastRay bridge", bridge.clock, lambda: bridge.poller.failure, bridge.registry)
    )
    app.register_blueprint(wall.blueprint(alertmanager_url))
    websocket.attach(app, push)
    return app


def _lists(bridge: Bridge, documents: Documents) -> Blueprint:
    """Return the endpoints that state in their reply whether the list of nodes is old."""
    api = Blueprint("lists", __name__)
    poller = bridge.poller

    @api.get("/api/ray-dashboard")
    def dashboard() -> ResponseReturnValue:
        document = documents.dashboard()
        if not poller.is_usable():
            return Response(document.body, 503, content_type="application/json")
        return _response(document)

    @api.get("/sd/prometheus")
    def discovery() -> ResponseReturnValue:
        if poller.failure is not None:
            # Prometheus keeps its targets at a 503, and drops them at an empty list.
            abort(503, f"the list of nodes is not up to date: {poller.failure}")
        return jsonify(bridge.target_registry.target_groups())

    return api


def _response(document: Document) -> Response:
    reply = document.reply(request.environ)
    return Response(reply.body, reply.status, reply.headers)


def _nodes(bridge: Bridge, documents: Documents) -> Blueprint:
    api = Blueprint("nodes", __name__)
    store, poller = bridge.store, bridge.poller

    @api.before_request
    def check_age() -> None:
        if not poller.is_usable():
            abort(503, f"there is no usable list of nodes: {poller.failure}")

    @api.get("/api/nodes/unified")
    def unified() -> ResponseReturnValue:
        return _response(documents.unified())

    @api.get("/api/nodes/<node_id>/status")
    def node_status(node_id: str) -> ResponseReturnValue:
        found = render.node_status(store.snapshot(), node_id)
        return jsonify(found) if found else abort(404, "no node has this name, address or id")

    @api.get("/api/history")
    def history() -> ResponseReturnValue:
        text = request.args.get("minutes", "60")
        if not (text.isascii() and text.isdigit() and 0 < int(text[:9]) <= MAX_MINUTES):
            abort(400, f"minutes: must be an integer from 1 to {MAX_MINUTES}")
        name = request.args.get("node")
        nodes = [node for node in bridge.target_registry.targets() if node.present and name in (None, node.name)]
        if name is not None and not nodes:
            abort(404, "no living node has this name")
        return jsonify(nodes=bridge.history.of(nodes, int(text)))

    return api
