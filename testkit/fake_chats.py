"""The group robots of WeCom, DingTalk and Feishu as they are seen from outside: limits, error codes, signatures.

From their documentation: a refused message is answered with HTTP 200 and an error code in the body. Lengths are bytes.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from flask import Flask, Response, jsonify, request
from flask.typing import ResponseReturnValue

from testkit.web import WebServer

WECOM_KEY: Final = "693axxx6-7aoc-4bc4-97a0-0ec2sifa5aaa"
DINGTALK_TOKEN, DINGTALK_SECRET = "0f5f2b7c9d1e", "SEC7d2a9b41"
FEISHU_TOKEN, FEISHU_SECRET = "a1b2c3d4-e5f6-7890", "fs9xK2mQ"
SECRETS: Final = (WECOM_KEY, DINGTALK_TOKEN, DINGTALK_SECRET, FEISHU_TOKEN, FEISHU_SECRET)
_SIGNATURE_SECONDS: Final = 3600
_FEISHU_LIMIT: Final = 20 * 1024

Check = Callable[[Any], tuple[int, str]]


class Chat:
    """One robot: the messages that it took, and what it does instead of taking them."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.attempts = 0
        self.answer: Callable[[], ResponseReturnValue] | None = None
        """What to answer instead of looking at the message."""
        self.delay = 0.0
        """Seconds before the answer; the message is taken nevertheless."""


class FakeChats:
    """The three services on one loopback port; a context manager.

    `mentions` are the texts that called somebody, which none of ours may.
    """

    def __init__(self) -> None:
        self.wecom, self.dingtalk, self.feishu = Chat(), Chat(), Chat()
        self.mentions: list[str] = []
        self._lock = threading.Lock()
        self._server = WebServer(self._app())
        root = self._server.url.rstrip("/")
        self.wecom_url = f"{root}/cgi-bin/webhook/send?key={WECOM_KEY}"
        self.dingtalk_url = f"{root}/robot/send?access_token={DINGTALK_TOKEN}&secret={DINGTALK_SECRET}"
        self.feishu_url = f"{root}/open-apis/bot/v2/hook/{FEISHU_TOKEN}?secret={FEISHU_SECRET}"

    def __enter__(self) -> FakeChats:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()

    def stop(self) -> None:
        """Go away; the addresses then refuse connections."""
        self._server.stop()

    def _app(self) -> Flask:
        app = Flask("fake_chats")

        @app.post("/cgi-bin/webhook/send")
        def wecom() -> ResponseReturnValue:
            return self._take(self.wecom, self._check_wecom, ("errcode", "errmsg", "ok"))

        @app.post("/robot/send")
        def dingtalk() -> ResponseReturnValue:
            return self._take(self.dingtalk, self._check_dingtalk, ("errcode", "errmsg", "ok"))

        @app.post("/open-apis/bot/v2/hook/<token>")
        def feishu(token: str) -> ResponseReturnValue:
            return self._take(self.feishu, lambda body: self._check_feishu(body, token), ("code", "msg", "success"))

        return app

    def _take(self, chat: Chat, check: Check, words: tuple[str, str, str]) -> ResponseReturnValue:
        chat.attempts += 1
        if chat.answer:
            return chat.answer()
        code, text = check(request.get_json(silent=True) if "json" in (request.content_type or "") else None)
        if code == 0:
            with self._lock:
                chat.messages.append(text)
        time.sleep(chat.delay)
        # As in reality: HTTP 200, whatever the code says.
        return jsonify({words[0]: code, words[1]: words[2] if code == 0 else text})

    def _check_wecom(self, body: Any) -> tuple[int, str]:
        if request.args.get("key") != WECOM_KEY:
            return 93000, f"invalid webhook url, hint: [1710000000], from ip: 127.0.0.1, key: {request.args.get('key')}"
        if not isinstance(body, dict):
            return 40035, "invalid parameter: not JSON"
        if body.get("msgtype") not in ("text", "markdown"):
            return 40008, "invalid message type"
        kind = body["msgtype"]
        content = body.get(kind, {}).get("content")
        if not isinstance(content, str) or not content:
            return 44004, "content is empty"
        longest = 2048 if kind == "text" else 4096
        if len(content.encode()) > longest:
            return 40058, f"{kind}.content exceed max length {longest}. invalid Request Parameter"
        mentioned = body[kind].get("mentioned_list", []) + body[kind].get("mentioned_mobile_list", [])
        if "@all" in mentioned or (kind == "markdown" and "<@" in content):
            self.mentions.append(content)
        return 0, content

    def _check_dingtalk(self, body: Any) -> tuple[int, str]:
        if request.args.get("access_token") != DINGTALK_TOKEN:
            return 300005, "token is not exist"
        stamp = request.args.get("timestamp", "")
        wanted = _signature(DINGTALK_SECRET.encode(), f"{stamp}\n{DINGTALK_SECRET}".encode())
        if not stamp.isdecimal() or abs(time.time() - int(stamp) / 1000) > _SIGNATURE_SECONDS:
            return 310000, "invalid timestamp"
        if request.args.get("sign") != wanted:
            return 310000, "sign not match"
        if not isinstance(body, dict) or body.get("msgtype") != "text":
            return 40035, "缺少参数 json"
        if len(request.get_data()) > 20_000:
            return 460101, "message too long, exceed 20000 bytes"
        content = body.get("text", {}).get("content")
        if not isinstance(content, str) or not content.strip():
            return 40035, "content 不能为空"
        if body.get("at", {}).get("isAtAll") or body.get("at", {}).get("atMobiles"):
            self.mentions.append(content)
        return 0, content

    def _check_feishu(self, body: Any, token: str) -> tuple[int, str]:
        if token != FEISHU_TOKEN:
            return 19001, "param invalid: incoming webhook access token invalid"
        if not isinstance(body, dict) or len(request.get_data()) > _FEISHU_LIMIT:
            return 9499, "Bad Request"
        stamp = str(body.get("timestamp", ""))
        fresh = stamp.isdecimal() and abs(time.time() - int(stamp)) <= _SIGNATURE_SECONDS
        if not fresh or body.get("sign") != _signature(f"{stamp}\n{FEISHU_SECRET}".encode(), b""):
            return 19021, "sign match fail or timestamp is not within one hour from current time"
        text = body.get("content", {}).get("text") if body.get("msg_type") == "text" else None
        if not isinstance(text, str) or not text:
            return 9499, "Bad Request"
        if "<at " in text:
            self.mentions.append(text)
        return 0, text


def _signature(key: bytes, message: bytes) -> str:
    return base64.b64encode(hmac.new(key, message, hashlib.sha256).digest()).decode()


def login_page() -> ResponseReturnValue:
    """Return what a campus network shows instead of the service to a machine that has not logged in."""
    return Response("<html><title>校园网登录</title></html>", content_type="text/html")


def internal_error() -> ResponseReturnValue:
    """Return what a service answers that is out of order."""
    return Response("upstream error", 502)
