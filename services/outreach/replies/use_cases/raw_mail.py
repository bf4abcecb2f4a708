"""Storing a raw mail before anybody tries to understand it."""

from uuid import UUID

from services.outreach.replies.tables import InboundMailRow
from shared.db import UnitOfWork, by_column
from shared.db.columns import insert_rows
from shared.ids import uuid7

_COLUMNS = ("tenant_id", "mail_id", "raw", "received_at")


async def store_mail(work: UnitOfWork, tenant: str, raw: bytes) -> UUID:
    """Store a raw mail, before anybody tries to understand it; a worker reads it after the commit."""
    mail_id = uuid7()
    await work.run(insert_rows(InboundMailRow, _COLUMNS), **by_column(_COLUMNS, [(tenant, mail_id, raw, work.now)]))
    return mail_id
