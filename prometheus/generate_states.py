"""Writes `rules/states.yml`, the rules that depend on the states, from the table in `exporter.states`.

Run it after a change of the table: `python prometheus/generate_states.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from exporter.states import REPORTABLE, STATES, UNKNOWN

TARGET: Final = Path(__file__).parent / "rules" / "states.yml"

_HEAD: Final = f"""\
# Generated from exporter/states.py by prometheus/generate_states.py; do not edit.
groups:
  - name: cmzsb-states
    # As often as the monitors are scraped: the lights of the dashboards are these series.
    interval: 5s
    rules:
      # Where nobody answers the light is grey, whatever the monitor said last: `or` keeps its left side.
      # A node that Ray lost, that the bridge cannot reach, or that Prometheus cannot scrape has code {UNKNOWN.code}.
      - record: node:cmzsb_work_state:code
        expr: |
          {UNKNOWN.code} * group by (node) (
            up{{job="cmzsb-monitor"}} == 0
            or castray_bridge_node_reachable == 0
            or castray_bridge_node_present == 0
          )
          or max by (node) (
"""

_COUNT: Final = """\
      - record: fleet:cmzsb_work_state:count
        expr: count(node:cmzsb_work_state:code == {code}) or vector(0)
        labels:
          state: {name}
"""


def render() -> str:
    """Return the rule file's text."""
    codes = "\n            or ".join(
        f'{state.code} * (cmzsb_work_status{{state="{state.name}"}} == 1)' for state in REPORTABLE
    )
    counts = "".join(_COUNT.format(code=state.code, name=state.name) for state in STATES)
    return f"{_HEAD}            {codes}\n          )\n{counts}"


if __name__ == "__main__":
    TARGET.write_text(render(), "utf-8")
