"""What every service answers alike: `/api/health`, `/metrics`, and JSON as UTF-8 text in the order of the code."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Flask, Response, jsonify, request
from flask.typing import ResponseReturnValue
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from servicekit.clock import Clock
from servicekit.version import __version__


def create_flask(name: str) -> Flask:
    """Return an application without routes whose JSON keeps Chinese as it is and members in their order."""
    app = Flask(name, static_folder=None)
    app.json.ensure_ascii = False  # type: ignore[attr-defined] # Flask's default provider has it
    app.json.sort_keys = False  # type: ignore[attr-defined] # the same
    return app


def blueprint(service: str, clock: Clock, failure: Callable[[], str | None], registry: CollectorRegistry) -> Blueprint:
    """Return the routes `/api/health` and `/metrics` of the service called `service`.

    `failure` returns why the service cannot do its work at present; health then answers 503 with that reason. An
    empty reason or None means that the service is healthy. The uptime counts from this call.
    """
    operations = Blueprint("operations", __name__)
    started = clock.monotonic()

    @operations.get("/api/health")
    def health() -> ResponseReturnValue:
        reason = failure()
        body = {
            "status": "unhealthy" if reason else "healthy",
            "service": service,
            "version": __version__,
            "uptime_seconds": round(clock.monotonic() - started, 3),
        }
        return (jsonify(body | {"reason": reason}), 503) if reason else jsonify(body)

    @operations.get("/metrics")
    def metrics() -> ResponseReturnValue:
        # Only the format is chosen by the client; prometheus_client's own application would filter by name[] too.
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return Response(encode(registry), content_type=content_type)

    return operations
