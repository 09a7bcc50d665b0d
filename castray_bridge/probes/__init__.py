"""What each node does: monitors (or the Prometheus that scrapes them) are probed in parallel."""
