"""Node monitor: takes reports of one inference script and serves the node's work status and metrics."""
