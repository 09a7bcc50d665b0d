"""The reasons for which a message is not delivered: the one table that errors, metrics and texts derive from."""

from __future__ import annotations

from typing import Final, NamedTuple


class Reason(NamedTuple):
    """One reason: its name in metrics and logs, and its text for operators."""

    name: str
    en: str
    zh: str


REASONS: Final = (
    Reason("timeout", "no answer in time", "超时无响应"),
    Reason("unreachable", "the service cannot be reached", "无法连接服务"),
    Reason("http_error", "the service answers with an HTTP error", "服务返回 HTTP 错误"),
    Reason("bad_reply", "the answer is not the service's, but perhaps a proxy's", "返回内容异常，可能来自代理"),
    Reason("rejected", "the service refuses the message", "服务拒绝了该消息"),
    Reason("failed", "the service did not take the message", "消息未被服务接收"),
)  # fmt: skip
BY_NAME: Final = {reason.name: reason for reason in REASONS}

_CODES: Final[dict[tuple[str, int], tuple[str, str]]] = {
    ("wecombot", 93000): ("the key is wrong, or the robot was removed", "key 错误，或机器人已被移除"),
    ("wecombot", 45009): ("more than 20 messages a minute", "每分钟超过 20 条消息"),
    ("wecombot", 40058): ("the message is too long or malformed", "消息过长或格式错误"),
    ("dingtalk", 300005): (
        "the access_token is wrong, or the robot was removed",
        "access_token 错误，或机器人已被移除",
    ),
    ("dingtalk", 310000): (
        "the robot's security settings: signature (secret), keyword, or this machine's IP address",
        "机器人安全设置不符：加签密钥、关键词或本机 IP",
    ),
    ("dingtalk", 130101): ("more than 20 messages a minute", "每分钟超过 20 条消息"),
    ("dingtalk", 460101): ("the message is too long", "消息过长"),
    ("feishu", 19001): ("the token is wrong, or the robot was removed", "token 错误，或机器人已被移除"),
    ("feishu", 19021): ("the signature (secret) is wrong, or this machine's clock", "签名密钥错误，或本机时钟不准"),
    ("feishu", 19022): ("this machine's IP address is not allowed", "本机 IP 不在白名单中"),
    ("feishu", 19024): ("the robot's keyword is missing", "缺少机器人关键词"),
    ("feishu", 11232): ("too many messages", "发送过于频繁"),
    ("feishu", 9499): ("the message is too long or malformed", "消息过长或格式错误"),
}
"""What the services' error codes mean that an operator can do something about."""


class DeliveryError(Exception):
    """A message that a service did not take. The text holds nothing of the address and nothing that the service said.

    `reason` is the name of one of `REASONS`; `code` the service's own error code or the HTTP status, if there is one.
    """

    def __init__(self, reason: str, code: int | None = None) -> None:
        super().__init__(reason if code is None else f"{reason} ({code})")
        self.reason = reason
        self.code = code

    def explained(self, service: str) -> tuple[str, str]:
        """Return the error in English and in Chinese; a known code of `service` says what to look at."""
        reason = BY_NAME[self.reason]
        number = "" if self.code is None else f" {self.code}"
        en, zh = _CODES.get((service, self.code or 0), ("", ""))
        return reason.en + number + (en and f": {en}"), reason.zh + number + (zh and f"：{zh}")
