"""Measurements of every promised figure, each beside its target and, where there is one, a baseline."""
