"""The latest state of all nodes as one immutable value, and its JSON."""
