"""Runs the node monitor on every node of a Ray cluster through Ray itself: no ssh, nothing installed by hand."""
