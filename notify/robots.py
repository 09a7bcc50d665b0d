"""The group robots of WeCom, DingTalk and Feishu: apprise's plugins with an honest `send`.

All three answer HTTP 200 with an error code in the body when they refuse a message. apprise 2.3 looks at Feishu's code
only, takes a login page's 200 for success everywhere, encodes DingTalk's signature twice and cannot sign for Feishu.
Here, a message is delivered when the service says so in its own words.

`failure` is the error of the last `send`, which apprise itself reduces to False. Not thread-safe.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import requests
from apprise import NotifyBase, NotifyType
from apprise.plugins.dingtalk import NotifyDingTalk
from apprise.plugins.feishu import NotifyFeishu
from apprise.plugins.wecombot import NotifyWeComBot

from notify.failures import DeliveryError

_CONNECT_SECONDS: Final = 4.0
_READ_SECONDS: Final = 4.0
_REPLY_LIMIT: Final = 64 * 1024
_REPLY_SECONDS: Final = 8.0


def post_json(url: str, payload: object, parameters: dict[str, str], verify: bool | str = True) -> Any:
    """Post `payload` and return the JSON of the reply; `verify` is as for requests. Raises `DeliveryError`."""
    deadline = time.monotonic() + _REPLY_SECONDS
    try:
        reply = requests.post(
            url,
            params=parameters,
            # As UTF-8: \uXXXX would double what counts towards the services' limits.
            data=json.dumps(payload, ensure_ascii=False).encode(),
            headers={"Content-Type": "application/json; charset=utf-8"},
            timeout=(_CONNECT_SECONDS, _READ_SECONDS),
            verify=verify,
            allow_redirects=False,
            stream=True,
        )
        with reply:
            if reply.status_code != requests.codes.ok:
                raise DeliveryError("http_error", reply.status_code)
            return json.loads(_body(reply, deadline))
    except requests.Timeout:
        raise DeliveryError("timeout") from None
    except (ValueError, RecursionError, requests.exceptions.ContentDecodingError):
        raise DeliveryError("bad_reply") from None
    except requests.RequestException:
        raise DeliveryError("unreachable") from None


def _body(reply: requests.Response, deadline: float) -> bytes:
    received = b""
    for piece in reply.iter_content(4096):
        received += piece
        if len(received) > _REPLY_LIMIT:
            raise DeliveryError("bad_reply")
        if time.monotonic() > deadline:
            raise DeliveryError("timeout")
    return received


class Robot(NotifyBase):  # type: ignore[misc] # apprise has no usable types
    """What the three have in common. `code_field` is where the reply has its error code, 0 being success."""

    code_field: str
    failure: DeliveryError | None = None
    request_rate_per_sec = 0  # apprise would sleep; a service that wants a pause says so, and Alertmanager repeats
    title_maxlen = 0

    def send(self, body: str, title: str = "", notify_type: NotifyType = NotifyType.INFO, **_: Any) -> bool:
        """Send one message; called by apprise. Never raises for what the network or the service does."""
        self.failure = None
        try:
            reply = post_json(*self.request(body), self.verify_certificate)
            code = reply.get(self.code_field) if isinstance(reply, dict) else None
            if not isinstance(code, int) or isinstance(code, bool):
                raise DeliveryError("bad_reply")
            if code:
                raise DeliveryError("rejected", code)
        except DeliveryError as error:
            self.failure = error
        return self.failure is None

    def request(self, text: str) -> tuple[str, object, dict[str, str]]:
        """Return URL, payload and URL parameters of the message `text`."""
        raise NotImplementedError


class WeComRobot(Robot, NotifyWeComBot):  # type: ignore[misc] # the same
    """企业微信群机器人."""

    code_field = "errcode"

    def __init__(self, root: str = "https://qyapi.weixin.qq.com", **options: Any) -> None:
        super().__init__(**options)
        self._root = root

    def request(self, text: str) -> tuple[str, object, dict[str, str]]:
        payload = {"msgtype": "text", "text": {"content": text}}
        return f"{self._root}/cgi-bin/webhook/send", payload, {"key": self.key}


class DingTalkRobot(Robot, NotifyDingTalk):  # type: ignore[misc] # the same
    """钉钉自定义机器人, signed when its address has a secret."""

    code_field = "errcode"

    def __init__(self, root: str = "https://oapi.dingtalk.com", **options: Any) -> None:
        super().__init__(**options)
        self._root = root

    def request(self, text: str) -> tuple[str, object, dict[str, str]]:
        parameters = {"access_token": self.token}
        if self.secret:
            parameters["timestamp"] = stamp = str(round(time.time() * 1000))
            parameters["sign"] = _signature(self.secret.encode(), f"{stamp}\n{self.secret}".encode())
        at = {"atMobiles": self.targets, "isAtAll": False}
        return f"{self._root}/robot/send", {"msgtype": "text", "text": {"content": text}, "at": at}, parameters


class FeishuRobot(Robot, NotifyFeishu):  # type: ignore[misc] # the same
    """飞书自定义机器人, signed when its address has a secret."""

    code_field = "code"

    def __init__(self, root: str = "https://open.feishu.cn", secret: str = "", **options: Any) -> None:
        super().__init__(**options)
        self._root, self._secret = root, secret

    def request(self, text: str) -> tuple[str, object, dict[str, str]]:
        payload: dict[str, object] = {"msg_type": "text", "content": {"text": text}}
        if self._secret:
            stamp = str(int(time.time()))
            payload |= {"timestamp": stamp, "sign": _signature(f"{stamp}\n{self._secret}".encode(), b"")}
        return f"{self._root}/open-apis/bot/v2/hook/{self.token}", payload, {}


def _signature(key: bytes, message: bytes) -> str:
    return base64.b64encode(hmac.new(key, message, hashlib.sha256).digest()).decode()


SCHEMES: Final[dict[str, type[Robot]]] = {"wecombot": WeComRobot, "dingtalk": DingTalkRobot, "feishu": FeishuRobot}
_FEISHU_PATH: Final = "/open-apis/bot/v2/hook/"


def from_address(address: str) -> tuple[str, Robot] | None:
    """Return service and robot of an address; None when it is that of another service.

    It may have apprise's form or be the URL that the service itself shows, at any host: a private deployment, Lark, a
    relay. Raises TypeError for a bad key.
    """
    scheme = address.partition("://")[0].lower()
    if scheme in SCHEMES:
        options = SCHEMES[scheme].parse_url(address)
        if options is None:
            raise TypeError("not an address")
        if scheme == "feishu" and options.get("user"):
            options["secret"] = options["user"]
        return scheme, SCHEMES[scheme](**options)
    return _from_webhook(address) if scheme in ("http", "https") else None


def _from_webhook(address: str) -> tuple[str, Robot] | None:
    parts = urlsplit(address)
    root = f"{parts.scheme}://{parts.netloc}"
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    if parts.path == "/cgi-bin/webhook/send":
        return "wecombot", WeComRobot(root, key=query.get("key", ""))
    if parts.path == "/robot/send":
        return "dingtalk", DingTalkRobot(root, token=query.get("access_token", ""), secret=query.get("secret"))
    if parts.path.startswith(_FEISHU_PATH):
        token = parts.path.removeprefix(_FEISHU_PATH).rstrip("/")
        return "feishu", FeishuRobot(root, query.get("secret", ""), token=token)
    return None
