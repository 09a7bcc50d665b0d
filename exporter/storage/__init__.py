"""The journal: what must survive a restart, in one SQLite file."""
