"""The advisory locks of a database, each number named once. PostgreSQL keeps one space of numbers for each database."""

RELAY = 0x1EADF10
"""Held by the one relay that sends now."""

MIGRATIONS = 4711
"""Held by the one process that migrates now."""

DATABASES = 0x1EADFDB
"""Held by the one process that creates databases, logins and their grants now."""

DUPLICATES = 0xD0B1E
"""Held by the one process that searches for likely duplicates now, in capture's database."""
