"""What the migrations of every service share: the messaging tables, row-level security, and the runner."""

from shared.migrations.messaging_tables import (
    MESSAGING_TABLES,
    dead_letters_of_several_clusters,
    know_events_by_type,
    messaging_tables,
    name_publishers_of_dead_letters,
    secure,
)
from shared.migrations.runner import config, run_env, upgrade
from shared.names import database_roles as roles

__all__ = [
    "MESSAGING_TABLES",
    "config",
    "dead_letters_of_several_clusters",
    "know_events_by_type",
    "messaging_tables",
    "name_publishers_of_dead_letters",
    "roles",
    "run_env",
    "secure",
    "upgrade",
]
