"""`python -m testkit.foreign_loopback OPTIONS`: a monitor to which loopback is another machine.

Tests have no other address to write from, and loopback may always write.
"""

from __future__ import annotations

from exporter.__main__ import main
from exporter.web import access

if __name__ == "__main__":
    access.LOOPBACK = ()  # type: ignore[misc] # a constant everywhere else
    main()
