"""The monitor's HTTP API."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from threading import BoundedSemaphore
from typing import Final
from urllib.parse import urlencode

from flask import Blueprint, Flask, Response, jsonify, request
from flask.typing import ResponseReturnValue
from prometheus_client import CollectorRegistry
from werkzeug.exceptions import BadRequest, NotFound

from exporter.board import NOTHING, Reading
from exporter.metrics import Errors
from exporter.report import ReportError, parse_report
from exporter.states import STATES
from exporter.status.service import Status
from exporter.storage.journal import Journal
from exporter.storage.paging import END
from exporter.web import replies
from exporter.web.access import BODY_LIMIT, WritePolicy
from exporter.web.admission import AdmissionQueue
from exporter.web.fast_path import READ_HEADERS, StatusFastPath
from exporter.web.identity import LocalIdentity
from exporter.web.query import instant, integer, seconds, step
from exporter.web.refusals import REPORT_PATH, RejectedReports
from servicekit import operations
from servicekit.clock import Clock, rfc3339
from servicekit.http import answer_errors_as_json, require_known_host
from servicekit.log import event
from servicekit.pages import blueprint as pages

MAX_WAIT: Final = 25.0
MAX_WAITERS: Final = 8
MAX_LISTS: Final = 4
"""Lists in progress or waiting; one more would leave no thread for ordinary requests."""
ALERTS_LIMIT: Final = 1000
HISTORY_LIMIT: Final = 10_000
"""Entries on one page, which keeps it below 1 MB; an hour with a frame per second has 7,200."""
STEPS_LIMIT: Final = 1440
"""The newest steps that a reply has at most: a day of minutes."""
SHARES_LIMIT: Final = 100_000
"""Transitions that are added up for one reply: a second of work for a small board."""

PREFLIGHT_HEADERS: Final = (
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Allow-Methods", "GET, HEAD"),
    ("Access-Control-Allow-Headers", "Content-Type, Cache-Control, X-Requested-With, Authorization"),
    ("Access-Control-Max-Age", "600"),
)
"""The reply to a browser that asks whether a page of another origin may read with the headers that dashboards send."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Services:
    """The collaborators of the API; `exporter.__main__` makes them."""

    status: Status
    journal: Journal
    identity: LocalIdentity
    policy: WritePolicy
    registry: CollectorRegistry
    clock: Clock
    errors: Errors
    rejected: RejectedReports
    host_names: frozenset[str] = frozenset()
    """Further names under which the monitor may be addressed."""
    alertmanager_url: str | None = None
    """Where a browser finds Alertmanager: the page links to a new silence of the node."""
    board: Callable[[], Reading] = lambda: NOTHING
    """The board's own figures, as read last."""
    long_polls: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(MAX_WAITERS))
    list_queue: AdmissionQueue = field(default_factory=lambda: AdmissionQueue(MAX_LISTS))


def create_app(services: Services) -> Flask:
    """Build the WSGI application."""
    app = operations.create_flask("exporter")
    app.config["MAX_CONTENT_LENGTH"] = BODY_LIMIT
    answer_errors_as_json(app, on_internal_error=services.errors.count_http)
    is_known_host = require_known_host(app, services.identity.names() | services.host_names)
    body = replies.StatusBody(services.identity.node_name, services.board)
    app.wsgi_app = StatusFastPath(app.wsgi_app, services.status.view, body, is_known_host)  # type: ignore[method-assign]
    app.register_blueprint(_status(services, body))
    app.register_blueprint(_reading(services))
    app.register_blueprint(_writing(services))
    app.register_blueprint(_description())
    app.register_blueprint(
        operations.blueprint("CM-ZSB监控", services.clock, lambda: health_failure(services.journal), services.registry)
    )
    app.register_blueprint(pages("exporter", STATES, {"links.json": {"alertmanager": services.alertmanager_url}}))

    @app.after_request
    def allow_reading_from_any_origin(response: Response) -> Response:
        if request.method in ("GET", "HEAD"):
            for name, value in READ_HEADERS:
                response.headers.setdefault(name, value)
        elif request.method == "OPTIONS" and "GET" in (response.allow or ()):
            for name, value in PREFLIGHT_HEADERS:
                response.headers[name] = value
        return response

    @app.after_request
    def reject_report(response: Response) -> Response:
        if 400 <= response.status_code < 500:
            reason = str((response.get_json(silent=True) or {}).get("error"))
            services.rejected.reject(request.method, request.path, response.status_code, reason, request.remote_addr)
        return response

    return app


def _status(services: Services, body: replies.StatusBody) -> Blueprint:
    api = Blueprint("status", __name__)
    status, me = services.status, services.identity

    @api.get("/api/status")
    def get_status() -> ResponseReturnValue:
        wait, since = seconds(request.args, "wait", MAX_WAIT), integer(request.args, "since")
        if wait is None or since is None or not services.long_polls.acquire(blocking=False):
            return Response(body.of(status.view()), content_type="application/json")
        try:
            return Response(body.of(status.wait_past(since, wait)), content_type="application/json")
        finally:
            services.long_polls.release()

    @api.get("/api/nodes/<node_id>/status")
    def get_node_status(node_id: str) -> ResponseReturnValue:
        if not me.is_me(node_id):
            raise NotFound(f"this is node {me.node_name}")
        return jsonify(replies.node_status(status.view(), me.node_name, services.board()))

    return api


def _reading(services: Services) -> Blueprint:
    api = Blueprint("reading", __name__)
    status, journal, me = services.status, services.journal, services.identity

    @api.get("/api/alerts")
    def get_alerts() -> ResponseReturnValue:
        limit = integer(request.args, "limit", 1, ALERTS_LIMIT, otherwise=100)
        before = integer(request.args, "before", 1, END, otherwise=END)
        with services.list_queue.admit():
            page = journal.alerts(limit, before)
            return _page(replies.alerts(page.rows, me.node_name), page.before, limit=limit)

    @api.get("/api/history")
    def get_history() -> ResponseReturnValue:
        since = instant(request.args, "since", otherwise=services.clock.time() - 86_400)
        limit = integer(request.args, "limit", 1, HISTORY_LIMIT, otherwise=HISTORY_LIMIT)
        before = integer(request.args, "before", 1, END, otherwise=END)
        now = services.clock.time()
        length = step(request.args)
        with services.list_queue.admit():
            if length is not None:
                begin = min(max(since, now - STEPS_LIMIT * length), now)
                with closing(journal.each_transition(begin)) as rows:
                    return jsonify(replies.shares(islice(rows, SHARES_LIMIT), status.view(), length, begin, now))
            if before < END:
                page, current = journal.transitions(limit, since, before), None
            else:
                # The view is read last, so that its current state cannot be among the finished ones.
                page, current = journal.transitions(limit - 1, since), status.view()
            return _page(replies.history(page.rows, current), page.before, since=since, limit=limit)

    return api


def _page(body: object, before: int | None, **query: float) -> Response:
    """Return a page of a list; the header `Link` leads to the next page, if there is one (RFC 8288)."""
    response = jsonify(body)
    if before is not None:
        response.headers["Link"] = f'<?{urlencode(query | {"before": before})}>; rel="next"'
        response.headers["Access-Control-Expose-Headers"] = "Link"
    return response


def _writing(services: Services) -> Blueprint:
    api = Blueprint("writing", __name__)

    @api.post(REPORT_PATH)
    def update_status() -> ResponseReturnValue:
        services.policy.check(request)
        try:
            report = parse_report(request.get_data(cache=False))
        except ReportError as error:
            raise BadRequest(str(error)) from None
        if report.unknown_fields:
            _log.debug(event("unknown_fields", names=",".join(report.unknown_fields)))
        receipt = services.status.apply(report)
        return jsonify(
            success=True,
            status=receipt.state.name,
            timestamp=rfc3339(receipt.entered),
            version=receipt.version,
        )

    return api


def _description() -> Blueprint:
    api = Blueprint("description", __name__)

    @api.get("/api/openapi.json")
    def get_description() -> ResponseReturnValue:
        from exporter.web.openapi import description  # here, because few ask for it and it takes memory

        return jsonify(description())

    return api


def health_failure(journal: Journal) -> str | None:
    """Return why the monitor's health is 503, None when it is well."""
    return f"the journal cannot be written: {journal.failure}" if journal.failure else None
