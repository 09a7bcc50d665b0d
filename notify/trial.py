"""`--test` and `--dry-run`: what is sent and what the services answer, on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from notify.channel import Address, Channel
from notify.failures import DeliveryError
from notify.fitting import size
from notify.message import Message


def try_addresses(channels: Sequence[Channel]) -> bool:
    """Send one message to every address and print what each answered; return whether all took it."""
    with ThreadPoolExecutor(max_workers=16) as pool:
        answers = list(pool.map(_answer, channels))
    for channel, answer in zip(channels, answers, strict=True):
        print(f"{channel.address}: {answer or 'delivered / 已送达'}")
    return not any(answers)


def _answer(channel: Channel) -> str:
    """Return why the address did not take the message; `""` when it did."""
    try:
        channel.test()
    except DeliveryError as error:
        return " / ".join(error.explained(channel.address.transport.service))
    except Exception as error:  # noqa: BLE001 (plugins of apprise may raise anything; the text may hold the address)
        return type(error).__name__
    return ""


def printing(address: Address) -> Address:
    """Return `address` with messages that are printed instead of sent."""

    def show(message: Message) -> None:
        print(f"--- {address}: {size(message.text)} bytes\n{message.text}\n", flush=True)

    return address._replace(transport=address.transport._replace(send=show))
