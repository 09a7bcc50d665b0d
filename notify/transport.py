"""How a message gets to one address: through apprise, or as a ping."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import requests
from apprise import Apprise, AppriseAsset, NotifyFormat, NotifyType
from apprise.exception import AppriseException

from notify.failures import DeliveryError
from notify.message import Message
from notify.robots import Robot, from_address

Send = Callable[[Message], None]
"""Delivers a message or raises `DeliveryError`."""

_TYPES: Final = {
    "critical": NotifyType.FAILURE,
    "warning": NotifyType.WARNING,
    "info": NotifyType.INFO,
    "resolved": NotifyType.SUCCESS,
}
_LIMITS: Final = {
    "wecombot": 2048,
    "dingtalk": 9_800,  # of 20,000 for the whole request, in which a quotation mark or a line break counts twice
    "feishu": 9_800,  # the same, of 20 KB
    "bark": 3000,  # of 4 KB, which is all that Apple's push service takes
    "barks": 3000,
}
"""Bytes of text per message where apprise's own figure counts characters, or what lies beneath takes less."""
_LONGEST: Final = 9_800
_SCHEME: Final = re.compile(r"[a-z][a-z0-9]*")
_PING_SECONDS: Final = 4.0


class Transport(NamedTuple):
    """The way to one address: the service's name, how many bytes a message may have, and how to send it."""

    service: str
    limit: int
    send: Send

    @property
    def is_ping(self) -> bool:
        """Whether no text gets there: that something is sent is the message."""
        return self.limit == 0


def open_address(address: str) -> Transport | None:
    """Return the transport of an address; None when neither apprise nor this package knows it."""
    try:
        found = from_address(address)
        service, plugin = found or (address.partition("://")[0].lower(), Apprise.instantiate(address, asset=_asset()))
    except (AppriseException, TypeError, ValueError):
        return None
    if plugin is None or not _SCHEME.fullmatch(service):
        return None
    limit = _LIMITS.get(service, min(plugin.body_maxlen, _LONGEST))
    return Transport(service, limit, _sender(plugin))


def ping(url: str) -> Transport:
    """Return the transport that requests `url`, that of a dead man's switch, and sends nothing."""

    def send(_: Message) -> None:
        try:
            with requests.get(url, timeout=_PING_SECONDS, allow_redirects=False, stream=True) as reply:
                if not reply.ok or reply.is_redirect:
                    raise DeliveryError("http_error", reply.status_code)
        except requests.Timeout:
            raise DeliveryError("timeout") from None
        except (requests.RequestException, ValueError):
            raise DeliveryError("unreachable") from None

    return Transport("watchdog", 0, send)


def _asset() -> AppriseAsset:
    return AppriseAsset(app_id="cmzsb-notify", app_desc="CM-ZSB", interpret_emojis=False, interpret_escapes=False)


def _sender(plugin: Any) -> Send:
    # apprise would sleep between two messages to one address, for longer than a delivery may take.
    plugin.request_rate_per_sec = 0
    service = Apprise(asset=_asset())
    service.add(plugin)

    def send(message: Message) -> None:
        has_title = plugin.title_maxlen > 0
        taken = service.notify(
            title=message.title[: plugin.title_maxlen] if has_title else "",
            body=message.body if has_title else message.text,
            notify_type=_TYPES[message.severity],
            body_format=NotifyFormat.TEXT,
        )
        if not taken:
            raise (isinstance(plugin, Robot) and plugin.failure) or DeliveryError("failed")

    return send
