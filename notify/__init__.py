"""`cmzsb-notify`: Alertmanager's webhook in, messages in people's group chats out, through apprise.

alert → dispatcher → message (per address) → channel → the service. Only `__main__` wires these together.
"""

import sys

if sys.version_info < (3, 10):  # noqa: UP036 (the rest of the distribution runs on 3.9; this package does not)
    sys.exit("cmzsb-notify: Python 3.10 or later is needed, this is %d.%d" % sys.version_info[:2])  # noqa: UP031
