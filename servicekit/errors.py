"""The error of a service that cannot start."""

from __future__ import annotations


class StartError(Exception):
    """The service cannot start (or go on); the message is the one line that the operator gets."""
