"""`python -m bench.profile --label after`: where the bridge's time goes over a changing fleet, by py-spy.

It puts the first functions, by their own time and with all that they call, into docs/benchmarks.md in the place of
that label. Needs the right to look into other processes, e.g. root's.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice, pairwise
from pathlib import Path
from typing import Final, NamedTuple

import click
import psutil

from bench import report
from bench.bridge import Bridge, over_changing_fleet
from bench.fleet_watch import plain_viewers, viewers, wall_viewers
from servicekit import cli

_FIRST: Final = 5
_WRAPPER_SHARE: Final = 0.9
_FRAME: Final = re.compile(r"(?P<function>.+) \((?P<file>[^()]+?)(?::\d+)?\)")


class Profile(NamedTuple):
    """Samples of the thread that held the interpreter's lock; those of a function alone, and with what it calls.

    What the kernel does for a thread without the lock, such as connecting and sending, is not among them.
    """

    samples: int
    alone: Counter[str]
    inclusive: Counter[str]
    calls: Counter[tuple[str, str]]
    """Samples by caller and callee."""

    def is_wrapper(self, function: str) -> bool:
        """Return whether it only starts threads, or nearly all of its time is that of one other function."""
        if function.startswith("threading:"):
            return True
        least = _WRAPPER_SHARE * self.inclusive[function]
        return any(caller == function and count >= least for (caller, _), count in self.calls.items())


def read(raw: str) -> Profile:
    """Read what `py-spy record --format raw` wrote: lines of `frame;frame;frame count`."""
    found = Profile(0, Counter(), Counter(), Counter())
    samples = 0
    for line in raw.splitlines():
        stack, _, number = line.rpartition(" ")
        count = int(number)
        # A thread without a Python frame has an empty stack.
        frames = [
            _short(frame) for frame in stack.split(";") if frame and not frame.startswith(("process ", "thread "))
        ]
        if not frames:
            continue
        samples += count
        found.alone[frames[-1]] += count
        for frame in set(frames):  # a function that calls itself counts once
            found.inclusive[frame] += count
        for caller, callee in set(pairwise(frames)):
            found.calls[caller, callee] += count * (caller != callee)
    return found._replace(samples=samples)


def table(found: Profile, cpu: float) -> str:
    """Return the table for the documentation; `cpu` is the worker's part of a core in percent."""
    alone = found.alone.most_common(_FIRST)
    work = ((name, count) for name, count in found.inclusive.most_common() if not found.is_wrapper(name))
    inclusive = list(islice(work, _FIRST))
    lines = [
        f"{found.samples:,} samples; the worker took {cpu:.0f} % of a core.\n",
        "| by its own time | share | with what it calls | share |",
        "|---" * 4 + "|",
    ]
    for one, other in zip(alone, inclusive, strict=False):
        cells = [cell for name, count in (one, other) for cell in (f"`{name}`", f"{100 * count / found.samples:.1f} %")]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def with_profile(page: str, label: str, text: str) -> str:
    """Return `page` with `text` in the place of `label`. Raises `ValueError` when it has no such place."""
    begin, end = f"<!-- profile {label} -->\n", f"<!-- end of profile {label} -->\n"
    before, found, rest = page.partition(begin)
    _, ended, after = rest.partition(end)
    if not found or not ended:
        raise ValueError(f"{report.PAGE} has no place for the profile {label}")
    return before + begin + text + end + after


def _short(frame: str) -> str:
    """Return `package/module:function` of a frame such as `run (castray_bridge/web/sender.py:63)`."""
    found = _FRAME.fullmatch(frame)
    if found is None:
        return frame
    return f"{found['file'].removesuffix('.py')}:{found['function']}"


@contextmanager
def _world(nodes: int, audience: int, plain: bool) -> Iterator[Bridge]:
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        bridge, _ = stack.enter_context(over_changing_fleet(nodes, nodes / 5))
        kind = plain_viewers if plain else wall_viewers
        stack.enter_context(viewers(bridge.url, kind(audience), directory))
        yield bridge


def _record(bridge: Bridge, seconds: int) -> tuple[str, float]:
    """Return py-spy's text about the bridge's worker, and the worker's part of a core in percent."""
    worker = max(psutil.Process(bridge.process.pid).children(), key=lambda child: sum(child.cpu_times()[:2]))
    before = sum(worker.cpu_times()[:2])
    with tempfile.NamedTemporaryFile("r", encoding="utf-8") as file:
        command = [
            "py-spy",
            "record",
            "--pid",
            str(worker.pid),
            "--duration",
            str(seconds),
            "--rate",
            "100",
            "--gil",
            "--nonblocking",
        ]
        subprocess.run(
            [str(Path(sys.executable).with_name(command[0])), *command[1:], "--format", "raw", "--output", file.name],
            check=True,
            capture_output=True,
            timeout=5 * seconds + 60,  # behind a busy machine its samples take longer
        )
        return file.read(), 100 * (sum(worker.cpu_times()[:2]) - before) / seconds


@click.command("profile")
@click.option("--label", help="The place in docs/benchmarks.md; without it the table is only printed.")
@click.option("--nodes", type=click.IntRange(min=1), default=1000, show_default=True)
@click.option("--viewers", "audience", type=click.IntRange(min=0), default=50, show_default=True)
@click.option("--plain", is_flag=True, help="Viewers that take whole lists instead of deltas.")
@click.option("--seconds", type=click.IntRange(min=1), default=20, show_default=True)
def command(label: str | None, nodes: int, audience: int, plain: bool, seconds: int) -> None:
    """Profile the bridge over a fleet each node of which changes every 2 to 10 s."""
    with _world(nodes, audience, plain) as bridge:
        raw, cpu = _record(bridge, seconds)
    text = table(read(raw), cpu)
    click.echo(text)
    if label is not None:
        report.PAGE.write_text(with_profile(report.PAGE.read_text("utf-8"), label, text), "utf-8")


if __name__ == "__main__":
    sys.exit(cli.run(command))
