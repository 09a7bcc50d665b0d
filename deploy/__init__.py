"""Runs the node monitor on every node of a Ray cluster, by means of Ray alone: no ssh, nothing installed by hand."""
