"""`cmzsb-notify`: Alertmanager's webhook in, messages in people's group chats out, through apprise.

alert → dispatcher → message (per address) → channel → the service. Only `__main__` wires these together.
"""
