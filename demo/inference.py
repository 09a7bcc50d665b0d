"""A simulated inference script, shaped like a real `predict_and_send.py`: look, and when unsure send.

Only the pictures and the model are made up; what it reports goes through `StatusReporter` as on a board.
"""

from __future__ import annotations

import random
import time
from typing import Final, NamedTuple

import click

from exporter.reporter import StatusReporter


class Profile(NamedTuple):
    """How a script behaves. Durations are means in seconds; `unsure` is the share of low-confidence results."""

    pause: float
    inference: float
    server: float
    unsure: float


PROFILES: Final = {
    "calm": Profile(pause=1.5, inference=0.5, server=1.2, unsure=0.06),
    "chatty": Profile(pause=0.05, inference=0.12, server=0.25, unsure=0.95),
    "slow-server": Profile(pause=0.3, inference=0.4, server=4.0, unsure=0.8),
}
"""`chatty` sends more than 100 times a minute; `slow-server` is nearly always caught while sending."""


def run(reporter: StatusReporter, profile: Profile, chance: random.Random) -> None:
    """Work through frames for ever."""
    frame = 0
    while True:
        frame += 1
        with reporter.detecting(f"frame {frame}"):
            duration = profile.inference * chance.uniform(0.6, 1.4)
            time.sleep(duration)
            unsure = chance.random() < profile.unsure
            reporter.inference(seconds=duration, low_confidence=unsure)
        if unsure:
            with reporter.sending(f"frame {frame}"):
                time.sleep(profile.server * chance.uniform(0.6, 1.4))
        time.sleep(profile.pause * chance.uniform(0.2, 1.8))


@click.command()
@click.option("--url", required=True, help="The node's monitor, e.g. http://127.0.0.2:8000.")
@click.option("--profile", type=click.Choice(sorted(PROFILES)), default="calm", show_default=True)
@click.option("--ttl", type=float, default=60.0, show_default=True, help="Seconds of silence that mean: gone.")
@click.option("--seed", type=int, default=0, show_default=True, help="Same seed, same behaviour.")
def main(url: str, profile: str, ttl: float, seed: int) -> None:
    """Pretend to look at pictures and report to the monitor at URL."""
    with StatusReporter(url, ttl=ttl) as reporter:
        run(reporter, PROFILES[profile], random.Random(seed))


if __name__ == "__main__":
    main()
