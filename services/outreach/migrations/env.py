"""Alembic's entry point for the outreach database."""

from services.outreach.drafts import tables as _drafts  # noqa: F401 - each registers its tables
from services.outreach.replies import tables as _replies  # noqa: F401
from services.outreach.sending import tables as _sending  # noqa: F401
from services.outreach.sequences import tables as _sequences  # noqa: F401
from services.outreach.suppression import tables as _suppression  # noqa: F401
from services.outreach.tables import metadata
from shared.migrations import run_env

run_env("outreach", metadata)
