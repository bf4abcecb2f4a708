"""The queries on the tables that every service's database has: outbox, inbox, dead letters, aliases, erased leads."""
