"""Grafana dashboards of the fleet, as code."""
