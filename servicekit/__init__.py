"""What the services share and neither owns: command line, logging, JSON over HTTP, clocks and text hygiene.

Nothing in here knows about work states, nodes or Ray.
"""
