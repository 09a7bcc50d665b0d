"""`python -m demo`: shows the product running on a local Ray cluster."""

from __future__ import annotations

import signal
import sys
import time

import click
from rich.console import Console
from rich.live import Live

from demo import grafana
from demo.scenario import Event, events, start_scripts
from demo.stack import Stack
from demo.table import Line, lines, plain, table, with_messages
from servicekit import cli
from servicekit.errors import StartError
from testkit.descendants import adopt_orphans, end_all
from testkit.net import get_json

_CONSOLE = Console(highlight=False)
_LINE_SECONDS = 3.0


class _Stop:
    """The signal to end. Raised where it arrives, and again by `check`: Ray's start-up sometimes swallows it."""

    def __init__(self) -> None:
        self._arrived = False
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._arrive)

    def check(self) -> None:
        """Raise KeyboardInterrupt if a signal has arrived."""
        if self._arrived:
            raise KeyboardInterrupt

    def _arrive(self, *_: object) -> None:
        # A second one must not interrupt the cleaning up.
        if not self._arrived:
            self._arrived = True
            raise KeyboardInterrupt


class _Show:
    """The live table on a terminal, a line now and then elsewhere."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._note = f"wall: {stack.bridge_url}/   end: Ctrl-C"
        self._printed_at = -_LINE_SECONDS
        self._printed_messages = 0

    def run(self, duration: float, stop: _Stop) -> None:
        """Show until `duration` seconds have passed (0: for ever), letting happen what is planned."""
        begun = time.monotonic()
        planned = events(self._stack)
        with Live(console=_CONSOLE, auto_refresh=False, transient=False) as live:
            while not duration or time.monotonic() - begun < duration:
                stop.check()
                self._let_happen(planned, time.monotonic() - begun)
                shown, alerts = self._look()
                messages = self._stack.messages()
                if _CONSOLE.is_terminal:
                    live.update(with_messages(table(shown, alerts, self._note), messages), refresh=True)
                else:
                    self._print_messages(messages)
                    self._print_line(time.monotonic() - begun, plain(shown, alerts))
                time.sleep(0.5)

    def _print_line(self, passed: float, line: str) -> None:
        if passed - self._printed_at >= _LINE_SECONDS:
            self._printed_at = passed
            _CONSOLE.print(f"{passed:5.0f} s  {line}", soft_wrap=True)

    def _print_messages(self, messages: list[str]) -> None:
        for message in messages[self._printed_messages :]:
            _CONSOLE.print("message to the group chat:", soft_wrap=True)
            _CONSOLE.print("\n".join(f"    {line}" for line in message.splitlines()), soft_wrap=True, markup=False)
        self._printed_messages = len(messages)

    def _let_happen(self, planned: list[Event], passed: float) -> None:
        while planned and planned[0].after <= passed:
            event = planned.pop(0)
            event.do(self._stack)
            _CONSOLE.print(f"{passed:5.0f} s  {event.what}")

    def _look(self) -> tuple[list[Line], list[dict[str, str]]]:
        stack = self._stack
        try:
            nodes = get_json(f"{stack.bridge_url}/api/nodes/unified")["nodes"]
            rows = stack.query("60 * node:cmzsb_sent_to_server:rate5m") if stack.prometheus_url else []
            sends = {row["metric"]["node"]: float(row["value"][1]) for row in rows}
            return lines(nodes, sends), stack.firing()
        except OSError as error:
            return [], [{"alertname": f"({error})"}]


@click.command("demo")
@click.option("--nodes", type=click.IntRange(1, 20), default=3, show_default=True, help="Ray nodes, one monitor each.")
@click.option("--duration", type=click.FloatRange(0), default=0, help="Seconds to run; 0 means until Ctrl-C.")
def command(nodes: int, duration: float) -> None:
    """Run the whole product on a Ray cluster of this machine."""
    choice = grafana.choose()
    stop = _Stop()
    adopt_orphans()

    def tell(line: str) -> None:
        stop.check()
        _CONSOLE.print(f"demo: {line}", soft_wrap=True)

    try:
        with (
            Stack(nodes, tell=tell) as stack,
            grafana.running(choice, stack.directory / "grafana", stack.prometheus_url, tell) as dashboards,
        ):
            start_scripts(stack)
            _print_addresses(stack, dashboards)
            _Show(stack).run(duration, stop)
            _CONSOLE.print("demo: stopping")
    except KeyboardInterrupt:
        _CONSOLE.print("demo: interrupted")
    except TimeoutError as error:
        raise StartError(str(error)) from None
    finally:
        end_all()
    _CONSOLE.print("demo: nothing is left running")


def _print_addresses(stack: Stack, dashboards: list[grafana.Dashboard]) -> None:
    _CONSOLE.print()
    for what, url in (
        ("traffic-light wall", f"{stack.bridge_url}/"),
        ("JSON for droneOnCampus", f"{stack.bridge_url}/api/ray-dashboard"),
        ("page of node M1", f"{stack.monitor_url(stack.specs[0])}/"),
        ("Ray", stack.cluster.dashboard_url),
        ("Prometheus", f"{stack.prometheus_url}/alerts" if stack.prometheus_url else "not running"),
        ("Alertmanager", stack.alertmanager_url or "not running"),
        ("cmzsb-notify", f"{stack.notify_url}/api/health"),
        *dashboards,
    ):
        _CONSOLE.print(f"  {what:24} {url}")
    _CONSOLE.print()


if __name__ == "__main__":
    sys.exit(cli.run(command))
