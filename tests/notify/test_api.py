"""The webhook, as an Alertmanager and as a stranger sees it."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from notify.api import BODY_LIMIT, MAX_DISPATCHES, Services, create_app
from notify.failures import REASONS
from testkit.alert_payloads import alert, payload
from testkit.net import wait_for
from tests.notify.kit import Office

PAYLOAD = payload(alert("CmzsbSendingTooOften", "M5"))


@pytest.fixture
def office() -> Office:
    return Office("warning")


def client_of(office: Office, **options: Any) -> FlaskClient:
    services = Services(office.dispatcher, office.metrics, office.registry, office.clock, **options)
    return create_app(services).test_client()


def post(client: FlaskClient, body: Any = PAYLOAD, **headers: str) -> TestResponse:
    return client.post("/alerts", json=body, headers=headers)


def test_delivered_is_200(office: Office) -> None:
    reply = post(client_of(office))
    assert (reply.status_code, reply.json) == (200, {"delivered": True})
    assert len(office.recorders[0].messages) == 1


def test_not_delivered_is_502_so_that_alertmanager_repeats(office: Office) -> None:
    office.recorders[0].reject(45009)
    client = client_of(office)
    reply = post(client)
    assert (reply.status_code, reply.json) == (502, {"error": "not delivered: line 1 (fake): rejected (45009)"})
    assert client.get("/api/health").status_code == 503
    office.recorders[0].error = None
    assert post(client).status_code == 200
    assert client.get("/api/health").json["status"] == "healthy"  # type: ignore[index]


def test_what_is_no_notification_is_400_and_counted(office: Office) -> None:
    client = client_of(office)
    assert post(client, {"alerts": 7}).status_code == 400
    assert client.post("/alerts", data=b"{", content_type="application/json").status_code == 400
    assert "cmzsb_notify_rejected_requests_total 2.0" in client.get("/metrics").text


def test_token_is_demanded_when_there_is_one(office: Office) -> None:
    client = client_of(office, token="word")
    assert post(client).status_code == 401
    assert post(client, Authorization="Bearer wrong").status_code == 401
    assert post(client, Authorization="Bearer word").status_code == 200


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"data": b"{}", "content_type": "text/plain"}, 415),
        ({"data": {"a": "b"}}, 415),
        ({"json": PAYLOAD, "headers": {"Origin": "http://evil.example"}}, 403),
        ({"json": PAYLOAD, "headers": {"Host": "evil.example"}}, 421),
        ({"data": b" " * (BODY_LIMIT + 1), "content_type": "application/json"}, 413),
    ],
)
def test_web_pages_and_strangers_are_turned_away(office: Office, options: dict[str, Any], status: int) -> None:
    reply = client_of(office).post("/alerts", **options)
    assert reply.status_code == status
    assert reply.json is not None
    assert set(reply.json) == {"error"}
    assert office.recorders[0].messages == []


def test_configured_name_may_be_used(office: Office) -> None:
    assert post(client_of(office, host_names=["notify.example"]), Host="notify.example:5001").status_code == 200


def test_too_many_at_once_are_put_off(office: Office) -> None:
    go_on = threading.Event()
    begun = threading.Semaphore(0)

    def dispatch(_: object) -> list[str]:
        begun.release()
        go_on.wait(20)
        return []

    office.dispatcher.dispatch = dispatch  # type: ignore[method-assign]
    client = client_of(office)
    threads = [threading.Thread(target=lambda: post(client.application.test_client())) for _ in range(MAX_DISPATCHES)]
    for thread in threads:
        thread.start()
    wait_for(lambda: [begun.acquire(timeout=10) for _ in threads], "all dispatches")
    assert post(client).status_code == 503
    go_on.set()
    for thread in threads:
        thread.join()
    assert post(client).status_code == 200


def test_every_series_is_there_from_the_start(office: Office) -> None:
    text = client_of(office).get("/metrics").text
    for name in ("sent_total", "repeats_total", "last_success_timestamp_seconds"):
        assert f'cmzsb_notify_{name}{{service="fake"}} 0.0' in text
    for reason in REASONS:
        assert f'cmzsb_notify_failed_total{{reason="{reason.name}",service="fake"}} 0.0' in text
