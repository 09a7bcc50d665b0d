"""What is tried at cmzsb-notify: posts by strangers and web pages, and alerts whose texts mean more than text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from testkit.alert_payloads import alert, payload
from testkit.fake_chats import FakeChats
from testkit.fake_mail import FakeMail
from testkit.running import RunningNotify
from tests.attacks.http import refusal, reply, request
from tests.fuzz.webhooks import CRAFTED

OFTEN = "CmzsbSendingTooOften"
GOOD = json.dumps(payload(alert(OFTEN, "M5"))).encode()
JSON = "Content-Type: application/json"


class Site(NamedTuple):
    """cmzsb-notify, the three chats and the mail server that it writes to."""

    notify: RunningNotify
    chats: FakeChats
    mail: FakeMail

    def texts(self) -> dict[str, list[str]]:
        """Return what each service has taken, as its readers see it."""
        chats = {name: getattr(self.chats, name).messages for name in ("wecom", "dingtalk", "feishu")}
        return chats | {"mail": [f"{mail['Subject']}\n{_body(mail)}" for mail in self.mail.mails]}

    def count(self) -> int:
        return sum(map(len, self.texts().values()))


def _body(mail: Any) -> str:
    part = mail.get_body(("plain", "html"))
    return str(part.get_content())


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with ExitStack() as stack:
        chats, mail = stack.enter_context(FakeChats()), stack.enter_context(FakeMail())
        urls = (chats.wecom_url, chats.dingtalk_url, chats.feishu_url, mail.address)
        addresses = "".join(f"all zh {url}\n" for url in urls)
        notify = stack.enter_context(RunningNotify(tmp_path_factory.mktemp("notify"), addresses))
        yield Site(notify, chats, mail)


def post(body: bytes, *headers: str, host: str = "localhost", path: str = "/alerts") -> bytes:
    return request(f"POST {path} HTTP/1.1", *(headers or (JSON,)), body=body, host=host)


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (post(GOOD, "Content-Type: text/plain"), 415),
        (post(GOOD, "Content-Type: application/x-www-form-urlencoded"), 415),
        (post(GOOD, "Content-Type: text/plain; application/json"), 415),
        (post(GOOD, "X: none"), 415),
        (post(GOOD, JSON, "Origin: http://evil.example"), 403),
        (post(GOOD, JSON, "Origin: null"), 403),
        (post(GOOD, JSON, "Origin: http://localhost"), 403),
        (post(GOOD, host="evil.example"), 421),
        (post(GOOD, path="/alerts/"), 404),
        (request("GET /alerts HTTP/1.1"), 405),
        (request("PUT /alerts HTTP/1.1", JSON, body=GOOD), 405),
    ],
)  # fmt: skip
def test_web_page_cannot_post_alerts(site: Site, raw: bytes, status: int) -> None:
    before = site.count()
    assert refusal(site.notify, raw)[0] == status
    assert site.count() == before


@pytest.mark.parametrize("headers", [(), ("Authorization: Bearer wrong",), ("Authorization: Basic cmlnaHQ=",)])
def test_stranger_without_the_token_cannot_post_alerts(tmp_path: Path, headers: tuple[str, ...]) -> None:
    (tmp_path / "token").write_text("right-token\n")
    with (
        FakeChats() as chats,
        RunningNotify(tmp_path, f"all zh {chats.wecom_url}\n", "--token-file", str(tmp_path / "token")) as notify,
    ):
        assert refusal(notify, post(GOOD, JSON, *headers))[0] == 401
        assert chats.wecom.attempts == 0
        assert reply(notify, post(GOOD, JSON, "Authorization: Bearer right-token")).status == 200
        assert len(chats.wecom.messages) == 1


def changed(**members: Any) -> bytes:
    message = payload(alert(OFTEN, "M5"))
    message["alerts"][0] |= members
    return json.dumps(message).encode()


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"null", b"[]", b"7", b'"alerts"', b"{}", b'{"alerts":{}}', b'{"alerts":[7]}', b'{"alerts":[[]]}',
        b"\xff\xfe", GOOD.decode().encode("utf-16"), b"\xef\xbb\xbf" + GOOD,
        b'{"alerts":[],"alerts":[]}', b'{"alerts":[],"__proto__":{}}', b'{"alerts":[],"groupKey":"\\ud800"}',
        b'{"alerts":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
        b'{"alerts":[],"truncatedAlerts":1e999}',
        changed(labels=None), changed(labels={"node": 7}), changed(labels=[["node", "M5"]]), changed(annotations="x"),
        changed(annotations={"summary": {"en": "x"}}), changed(status="pending"), changed(status=None),
        changed(startsAt="yesterday"), changed(startsAt=7), changed(endsAt="2026-02-30T00:00:00Z"),
        changed(startsAt="2026-11-24T08:02:13"), changed(endsAt=None),
    ],
)  # fmt: skip
def test_harmful_body_is_refused_and_tells_nobody(site: Site, body: bytes) -> None:
    before = site.count()
    assert refusal(site.notify, post(body))[0] == 400
    assert site.count() == before
    assert site.notify.get("/metrics").ok


def test_body_that_is_too_large_is_refused_before_it_is_read(site: Site) -> None:
    head = request("POST /alerts HTTP/1.1", JSON, "Content-Length: 17000000")
    assert reply(site.notify, head).status == 413


@pytest.mark.parametrize("member", ["node", "alertname", "summary", "description", "links", "group"])
@pytest.mark.parametrize("number", range(len(CRAFTED)))
def test_crafted_text_is_a_harmless_line_in_every_service(site: Site, number: int, member: str) -> None:
    crafted = CRAFTED[number]
    forged = alert(OFTEN, f"M{number}")
    if member in ("node", "alertname"):
        forged["labels"][member] = crafted
    elif member in ("summary", "description"):
        forged["annotations"][member] = crafted
    else:
        forged["annotations"] |= {"runbook_url": crafted, "dashboard_url": f"http://h/{crafted}"}
    group = {"groupKey": crafted} if member == "group" else {"groupKey": f"{member} {number}"}
    before = site.texts()
    counts = {name: len(texts) for name, texts in before.items()}
    sent = site.notify.post(payload(forged, externalURL=f"http://{crafted}/", **group))
    assert sent.status_code == 200, sent.text
    for name, texts in site.texts().items():
        (text,) = texts[counts[name] :]
        check(text)
    assert site.chats.mentions == []


def check(text: str) -> None:
    """Fail if `text` has more lines than an alert makes, or signs that are markup or move the others."""
    lines = [line for line in text.replace("\r", "").split("\n") if line]
    assert 2 <= len(lines) <= 7, lines
    assert len(text.encode()) <= 9_800
    assert not set(text) & set("<>@*`~|\\\x00\x07\x1b\u202e\u2066\u2069\ufeff"), text
    assert "[critical]" not in text


def test_crafted_alert_adds_no_header_and_no_recipient_to_a_mail(site: Site) -> None:
    crafted = "M5\r\nBcc: all@evil.example\r\n\r\n<b>forged</b>"
    forged = alert(OFTEN, crafted)
    forged["annotations"] = {"summary": crafted, "description": crafted}
    site.notify.post(payload(forged, groupKey="mail"))
    mail = site.mail.mails[-1]
    assert mail["Bcc"] is None
    assert mail["To"] == "b@example.com"
    assert "\n" not in str(mail["Subject"])
    assert "<b>" not in _body(mail)


def test_log_stays_one_line_per_event_without_traces(site: Site) -> None:
    reply(site.notify, request("GET /%0aFAKE%20ERROR%0d HTTP/1.1"))
    reply(site.notify, post(b'{"alerts":[{"status":"\\u001b[31m\\nFAKE"}]}'))
    log = site.notify.process.output()
    assert "Traceback" not in log
    assert all(line[:4].isdigit() for line in log.splitlines()), log
