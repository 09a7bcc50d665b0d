"""What happens in the demo: who sends too often, whose script dies, whose monitor stops."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from demo.stack import Stack


class Event(NamedTuple):
    """Something done to the stack once, `after` that many seconds."""

    after: float
    what: str
    do: Callable[[Stack], None]


def profile_of(number: int) -> str:
    """Return the behaviour of the script on node `number`, counted from 1."""
    return {1: "chatty", 2: "slow-server"}.get(number, "calm")


def start_scripts(stack: Stack) -> None:
    """Start one script per node; the same ones behave alike in every run."""
    for number, spec in enumerate(stack.specs, start=1):
        stack.start_script(spec, profile_of(number), seed=number)


def _kill_script(stack: Stack) -> None:
    stack.scripts["M2"].kill()


def _stop_monitor(stack: Stack) -> None:
    stack.monitors["M3"].kill()


def events(stack: Stack) -> list[Event]:
    """Return what is to happen, in order."""
    names = {spec.name for spec in stack.specs}
    planned = [
        Event(15, "the script on M2 is killed while sending: its light goes out after 10 s", _kill_script),
        Event(30, "the monitor of M3 is stopped: its light turns grey", _stop_monitor),
    ]
    return [event for event, name in zip(planned, ("M2", "M3"), strict=True) if name in names]
