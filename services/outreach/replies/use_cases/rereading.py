"""Reading stored mails again after an upgrade, with the rules of now."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.outreach.keys import Keys
from services.outreach.replies import store
from services.outreach.replies.mail_reader import MailReader, NotRead
from services.outreach.replies.rules.mail_reading import ReadMail
from services.outreach.replies.use_cases.asking import METHOD as LANGUAGE_MODEL
from services.outreach.replies.use_cases.labelling import apply_label
from services.outreach.replies.use_cases.raw_mail import READING_SECONDS, model_of
from services.outreach.replies.use_cases.receiving import record_mail
from services.outreach.store import lead_of
from shared.db import Database, UnitOfWork

PAGE = 50


@dataclass(slots=True)
class Reread:
    """How many mails were read again, how many say something else now, and which must be left to people.

    `kept`: opt-outs that the present rules would not find. Only an operator takes an opt-out back.
    """

    read: int = 0
    changed: int = 0
    kept: int = 0
    not_read: int = 0


async def reread(
    database: Database, reader: MailReader, keys: Keys, mail_domain: str, tenant: str, since: datetime
) -> Reread:
    """Read the tenant's mails of `since` and later again. What a person labelled stays."""
    result, after = Reread(), UUID(int=0)
    while True:
        async with database.worker() as work:
            page = await store.page_to_reread(work, tenant, since, after, PAGE)
            model = await model_of(work, lambda each: database.worker([each]), tenant)
        if not page:
            return result
        for stored in page:
            after = stored.reply_id
            result.read += 1
            try:
                read = await reader.read(stored.raw, READING_SECONDS, model)
            except NotRead:
                result.not_read += 1
                continue
            if not _differs(stored, read):
                continue
            if stored.label == "opt_out" and read.classification.label != "opt_out":
                result.kept += 1
                continue
            async with database.worker([tenant]) as work:
                if await store.delete_to_reread(work, tenant, stored):
                    await record_mail(work, keys, mail_domain, tenant, read, stored.raw, stored.received_at, stored)
                    if stored.outcome == "matched" and (read.complaint or read.reports):
                        await _publish_as_report(work, keys, tenant, stored)
                    result.changed += 1


async def _publish_as_report(work: UnitOfWork, keys: Keys, tenant: str, stored: store.ToReread) -> None:
    """What was taken for a reply of the lead is a report: its label `bounce` takes back what the label before did."""
    row = await store.get(work, tenant, stored.reply_id)
    lead = await lead_of(work, tenant, stored.lead_id) if stored.lead_id else None
    if row is not None and lead is not None:
        await apply_label(work, keys, row, lead, None)


def _differs(stored: store.ToReread, read: ReadMail) -> bool:
    """Whether the present rules say something else of the mail. A better confidence or reason alone is no news."""
    if read.complaint or read.reports:
        return stored.outcome not in ("bounce", "complaint")
    if stored.outcome in ("bounce", "complaint"):
        return True
    if stored.newest != read.newest:
        return True
    label = (read.classification.label, read.classification.needs_human)
    if stored.method == LANGUAGE_MODEL and label == ("other", True):
        return False  # the rules leave it to others as before, and the language model has given it its label
    return (stored.label, stored.needs_human) != label
