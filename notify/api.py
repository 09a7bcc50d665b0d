"""The HTTP API: Alertmanager's webhook, health and metrics."""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass
from threading import BoundedSemaphore
from typing import Final

from flask import Blueprint, Flask, jsonify, request
from flask.typing import ResponseReturnValue
from prometheus_client import CollectorRegistry
from werkzeug.exceptions import BadRequest, Forbidden, ServiceUnavailable, Unauthorized, UnsupportedMediaType

from notify.alert import PayloadError, parse
from notify.dispatcher import Dispatcher
from notify.metrics import Metrics
from servicekit import operations
from servicekit.clock import Clock
from servicekit.http import answer_errors_as_json, require_known_host
from servicekit.log import RateLimit, event
from servicekit.secrets import bearer, equal

BODY_LIMIT: Final = 16 * 1024 * 1024
"""Bytes; 10,000 alerts of one group. Alertmanager drops what is refused as too large."""
MAX_DISPATCHES: Final = 24
"""Notifications in work at a time; with more, health would find no thread."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Services:
    """What the API speaks for; built by `notify.__main__`, by hand in tests. Without a `token` anyone may post."""

    dispatcher: Dispatcher
    metrics: Metrics
    registry: CollectorRegistry
    clock: Clock
    token: str | None = None
    host_names: Collection[str] = ()


def create_app(services: Services) -> Flask:
    """Build the WSGI application."""
    app = operations.create_flask("notify")
    app.config["MAX_CONTENT_LENGTH"] = BODY_LIMIT
    answer_errors_as_json(app, on_internal_error=services.metrics.http_errors.inc)
    require_known_host(app, services.host_names)
    app.register_blueprint(_webhook(services))
    failure = services.dispatcher.failure
    app.register_blueprint(operations.blueprint("cmzsb-notify", services.clock, failure, services.registry))
    return app


def _webhook(services: Services) -> Blueprint:
    api = Blueprint("webhook", __name__)
    slots = BoundedSemaphore(MAX_DISPATCHES)
    limit = RateLimit(burst=10, period=60.0)

    @api.post("/alerts")
    def take_alerts() -> ResponseReturnValue:
        _check_sender(services.token)
        try:
            notification = parse(request.get_data(cache=False))
        except PayloadError as error:
            services.metrics.rejected.inc()
            held_back = limit.admit()
            if held_back is not None:
                _log.warning(event("rejected", reason=error, peer=request.remote_addr, held_back=held_back))
            raise BadRequest(str(error)) from None
        if not slots.acquire(blocking=False):
            raise ServiceUnavailable("too many notifications at once; repeat this one")
        try:
            failures = services.dispatcher.dispatch(notification)
        finally:
            slots.release()
        return (jsonify(error="not delivered: " + "; ".join(failures)), 502) if failures else jsonify(delivered=True)

    return api


def _check_sender(token: str | None) -> None:
    """Abort unless the request may come from an Alertmanager: JSON, not from a web page, with the token."""
    if request.mimetype != "application/json":
        raise UnsupportedMediaType("send application/json")
    if "Origin" in request.headers:
        raise Forbidden("web pages may not post here")
    if token is not None and not equal(bearer(request.headers.get("Authorization", "")) or "", token):
        raise Unauthorized("the token is missing or wrong")
