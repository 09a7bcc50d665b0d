"""Grafana dashboards of the fleet, as code."""

import sys

if sys.version_info < (3, 10):
    raise SystemExit(
        f"cmzsb-dashboards needs Python 3.10 or later; this is {sys.version.split()[0]} ({sys.executable})"
    )
