"""The traffic-light wall: its page, and the tables of states and failures that the page reads."""

from __future__ import annotations

from flask import Blueprint

from castray_bridge.probes.failures import FAILURES
from exporter.states import STATES
from servicekit import pages


def blueprint(alertmanager_url: str | None = None) -> Blueprint:
    """Return the routes of the page and of its static files; it links to `alertmanager_url`, if there is one."""
    failures = [{"name": failure.name, "en": failure.en, "zh": failure.zh} for failure in FAILURES]
    return pages.blueprint(
        "castray_bridge", STATES, {"failures.json": failures, "links.json": {"alertmanager": alertmanager_url}}
    )
