"""WeCom, DingTalk and Feishu: what arrives there, and that only their own word counts as delivery."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from flask import Response, redirect
from flask.typing import ResponseReturnValue

from notify.failures import DeliveryError
from notify.message import Message
from notify.transport import Transport, open_address
from testkit.fake_chats import (
    DINGTALK_SECRET,
    DINGTALK_TOKEN,
    FEISHU_SECRET,
    FEISHU_TOKEN,
    SECRETS,
    WECOM_KEY,
    Chat,
    FakeChats,
    internal_error,
    login_page,
)

ROBOTS = ["wecombot", "dingtalk", "feishu"]
MESSAGE = Message("【警告】发送过于频繁：M5", '第一行 "引号"\n第二行', "warning")


@pytest.fixture
def chats() -> Iterator[FakeChats]:
    with FakeChats() as running:
        yield running


def opened(chats: FakeChats, service: str) -> tuple[Transport, Chat]:
    url, chat = {
        "wecombot": (chats.wecom_url, chats.wecom),
        "dingtalk": (chats.dingtalk_url, chats.dingtalk),
        "feishu": (chats.feishu_url, chats.feishu),
    }[service]
    transport = open_address(url)
    assert transport is not None
    assert transport.service == service
    return transport, chat


def failure(transport: Transport, message: Message = MESSAGE) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        transport.send(message)
    return caught.value


@pytest.mark.parametrize("service", ROBOTS)
def test_text_arrives_as_it_is_and_signed(chats: FakeChats, service: str) -> None:
    transport, chat = opened(chats, service)
    transport.send(MESSAGE)
    transport.send(MESSAGE)  # at once: nothing sleeps between two messages
    assert chat.messages == [MESSAGE.text] * 2
    assert chats.mentions == []


@pytest.mark.parametrize("service", ROBOTS)
@pytest.mark.parametrize("letter", ["a", "发", '"', "😀"])
def test_message_as_long_as_it_may_be_is_taken(chats: FakeChats, service: str, letter: str) -> None:
    transport, chat = opened(chats, service)
    body = letter * ((transport.limit - 2) // len(letter.encode()))
    transport.send(Message("t", body, "info"))
    assert chat.messages == [f"t\n{body}"]


@pytest.mark.parametrize("service", ROBOTS)
def test_longer_one_is_refused_there_and_the_code_is_told(chats: FakeChats, service: str) -> None:
    transport, _ = opened(chats, service)
    codes = {"wecombot": 40058, "dingtalk": 460101, "feishu": 9499}
    error = failure(transport, Message("t", "发" * 7000, "info"))
    assert (error.reason, error.code) == ("rejected", codes[service])


def test_wrong_keys_are_told_by_the_services_code(chats: FakeChats) -> None:
    for url, service, code in (
        (chats.wecom_url.replace(WECOM_KEY, "another"), "wecombot", 93000),
        (chats.dingtalk_url.replace(DINGTALK_TOKEN, "bad0"), "dingtalk", 300005),
        (chats.dingtalk_url.replace(DINGTALK_SECRET, "SEC0"), "dingtalk", 310000),
        (chats.feishu_url.replace(FEISHU_TOKEN, "wrong"), "feishu", 19001),
        (chats.feishu_url.replace(FEISHU_SECRET, "wrong"), "feishu", 19021),
    ):
        transport = open_address(url)
        assert transport is not None
        error = failure(transport)
        assert (error.reason, error.code) == ("rejected", code)
        assert not any(secret in text for secret in SECRETS for text in error.explained(service))
        assert "another" not in "".join(error.explained(service))  # which the service repeats in its text
        assert all(str(code) in text and ("：" in text or ": " in text) for text in error.explained(service))


def strange(body: str) -> Callable[[], ResponseReturnValue]:
    return lambda: Response(body, content_type="application/json")


@pytest.mark.parametrize("service", ROBOTS)
@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (login_page, "bad_reply"),
        (internal_error, "http_error"),
        (lambda: redirect("http://127.0.0.1:1/"), "http_error"),
        (strange("{}"), "bad_reply"),
        (strange("[]"), "bad_reply"),
        (strange("0"), "bad_reply"),
        (strange(""), "bad_reply"),
        (strange('{"errcode": "0", "code": "0"}'), "bad_reply"),
        (strange('{"errcode": false, "code": false}'), "bad_reply"),
        (strange('{"errcode": null, "code": null}'), "bad_reply"),
        (strange("[" * 60_000), "bad_reply"),
        (strange('{"errcode": 0, "code": 0}' + " " * 70_000), "bad_reply"),
    ],
)
def test_whatever_is_not_the_services_yes_is_a_failure(
    chats: FakeChats, service: str, answer: Callable[[], ResponseReturnValue], reason: str
) -> None:
    transport, chat = opened(chats, service)
    chat.answer = answer
    assert failure(transport).reason == reason


@pytest.mark.parametrize("service", ROBOTS)
def test_service_that_is_gone_is_unreachable_and_back_again_works(chats: FakeChats, service: str) -> None:
    transport, chat = opened(chats, service)
    chats.stop()
    assert failure(transport).reason == "unreachable"
    chats.__enter__()
    transport.send(MESSAGE)
    assert chat.messages == [MESSAGE.text]


def test_dripping_reply_ends_within_its_seconds(chats: FakeChats, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("notify.robots._REPLY_SECONDS", 0.3)
    transport, chat = opened(chats, "wecombot")

    def drip() -> Iterator[bytes]:
        while True:
            yield b" " * 16
            time.sleep(0.05)

    chat.answer = lambda: Response(drip(), content_type="application/json")
    begun = time.monotonic()
    assert failure(transport).reason == "timeout"
    assert time.monotonic() - begun < 3


@pytest.mark.parametrize(
    ("address", "service"),
    [
        ("wecombot://693axxx6-7aoc", "wecombot"),
        ("https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=693axxx6-7aoc", "wecombot"),
        ("dingtalk://SECabc@0f5f2b7c", "dingtalk"),
        ("https://oapi.dingtalk.com/robot/send?access_token=0f5f2b7c", "dingtalk"),
        ("feishu://a1b2-c3", "feishu"),
        ("https://open.larksuite.com/open-apis/bot/v2/hook/a1b2-c3", "feishu"),
        ("mailto://user:pass@example.com", "mailto"),
        ("bark://device@api.day.app", "bark"),
        ("json://127.0.0.1:1/x", "json"),
    ],
)
def test_addresses_are_understood_in_both_forms(address: str, service: str) -> None:
    transport = open_address(address)
    assert transport is not None
    assert transport.service == service


@pytest.mark.parametrize(
    "address",
    ["wecombot://", "dingtalk://to-ken", "https://example.com/hook", "http://[::1/robot/send?access_token=a", "nothing",
     "magic://x", "https://qyapi.weixin.qq.com/cgi-bin/webhook/send"],
)  # fmt: skip
def test_what_is_no_address_is_none(address: str) -> None:
    assert open_address(address) is None
