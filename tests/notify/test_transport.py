"""Everything that apprise knows besides the robots: e-mail, JSON, a dead man's switch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask, Response, request
from flask.typing import ResponseReturnValue

from notify.failures import DeliveryError
from notify.message import Message
from notify.transport import open_address, ping
from testkit.fake_mail import FakeMail
from testkit.web import WebServer

MESSAGE = Message("[warning] Sends too often: M5", "M5 & M6\nline 2", "warning")


class Receiver:
    """Keeps the requests that come in, and answers with `status`."""

    def __init__(self) -> None:
        self.status = 200
        self.requests: list[tuple[str, str, Any]] = []
        app = Flask("receiver")

        @app.route("/<path:path>", methods=["GET", "POST"])
        def take(path: str) -> ResponseReturnValue:
            self.requests.append((request.method, path, request.get_json(silent=True)))
            return Response(status=self.status, headers={"Location": "/elsewhere"})

        self.server = WebServer(app)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    running = Receiver()
    with running.server:
        yield running


def test_json_gets_title_text_and_kind(receiver: Receiver) -> None:
    transport = open_address(f"json://127.0.0.1:{receiver.server.port}/messages")
    assert transport is not None
    transport.send(MESSAGE)
    ((_, _, body),) = receiver.requests
    assert (body["title"], body["message"], body["type"]) == (MESSAGE.title, MESSAGE.body, "warning")


def test_services_own_no_is_a_failure(receiver: Receiver) -> None:
    receiver.status = 500
    transport = open_address(f"json://127.0.0.1:{receiver.server.port}/messages")
    assert transport is not None
    with pytest.raises(DeliveryError, match="failed"):
        transport.send(MESSAGE)


def test_e_mail_has_the_title_as_its_subject_and_is_plain_text() -> None:
    with FakeMail() as server:
        transport = open_address(server.address)
        assert transport is not None
        transport.send(MESSAGE)
        server.refuses = True
        with pytest.raises(DeliveryError, match="failed"):
            transport.send(MESSAGE)
    (mail,) = server.mails
    assert mail["Subject"] == MESSAGE.title
    assert mail.get_content_type() == "text/plain"
    assert mail.get_content().splitlines() == MESSAGE.body.splitlines()


@pytest.mark.parametrize(("status", "works"), [(200, True), (204, True), (301, False), (404, False), (500, False)])
def test_ping_requests_the_address_once_and_follows_nothing(receiver: Receiver, status: int, works: bool) -> None:
    receiver.status = status
    transport = ping(f"http://127.0.0.1:{receiver.server.port}/switch")
    assert transport.is_ping
    if works:
        transport.send(MESSAGE)
    else:
        with pytest.raises(DeliveryError, match=str(status)):
            transport.send(MESSAGE)
    assert [(method, path) for method, path, _ in receiver.requests] == [("GET", "switch")]


def test_switch_that_is_gone_is_unreachable() -> None:
    with pytest.raises(DeliveryError, match="unreachable"):
        ping("http://127.0.0.1:1/").send(MESSAGE)
