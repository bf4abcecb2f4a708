"""Receiving what an IMAP account holds: the mails and the account's new position are stored in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from services.outreach.replies.gateways import FetchedMail, Selected
from services.outreach.replies.store.imap_positions import Failing, ImapPosition, lock_position, save_position
from services.outreach.replies.use_cases.raw_mail import store_mail
from services.outreach.settings import ImapAccount
from shared.db import UnitOfWork
from shared.errors import Conflict

log = structlog.get_logger()

WAITS = (0, 60, 300, 1_800, 7_200, 28_800, 86_400, 172_800)
"""Seconds before each further attempt at a mail that the server does not deliver: over three days. Then it is
skipped."""


@dataclass(slots=True)
class Stored:
    """What a transaction did: mails that were stored, and UIDs that were given up."""

    mails: int = 0
    skipped: int = 0


async def begin(work: UnitOfWork, account: ImapAccount, holder: UUID, selected: Selected) -> ImapPosition:
    """The account's position in the folder as it is now, from the beginning when it is another than before.

    Conflict when another process has the account.
    """
    position = await _locked(work, account, holder)
    known = (position.mailbox, position.uidvalidity)
    went_back = bool(selected.uidnext) and position.uid >= selected.uidnext
    if known != (account.mailbox, selected.uidvalidity) or went_back:
        if position.uidvalidity:
            log.warning(
                "imap.from_the_beginning", account=account.name, tenant=account.tenant, uidvalidity=selected.uidvalidity
            )
        position = ImapPosition(account.mailbox, selected.uidvalidity)
        await save_position(work, account.tenant, account.name, position)
    return position


async def store_fetched(
    work: UnitOfWork, account: ImapAccount, holder: UUID, uidvalidity: int, fetched: Sequence[FetchedMail]
) -> Stored:
    """Store mails, and with them how far the account has been read; what could not be fetched is tried again later.

    Conflict, and nothing is stored, when another process has the account or has seen the folder made anew.
    """
    position = await _locked(work, account, holder)
    if (position.mailbox, position.uidvalidity) != (account.mailbox, uidvalidity):
        raise Conflict("the folder is another than the one that these mails were fetched from")
    stored = Stored()
    for mail in fetched:
        if mail.uid <= position.uid and mail.uid not in position.failing:
            continue  # stored by an earlier transaction whose commit this process did not hear of
        if mail.refusal is not None:
            stored.skipped += _record_refusal(position, mail, work.now, account)
        else:
            position.failing.pop(mail.uid, None)
            if mail.raw is not None:
                await store_mail(work, account.tenant, mail.raw)
                stored.mails += 1
                if account.after != "keep":
                    position.unmarked.append(mail.uid)
        position.uid = max(position.uid, mail.uid)
    await save_position(work, account.tenant, account.name, position)
    return stored


def _record_refusal(position: ImapPosition, mail: FetchedMail, now: datetime, account: ImapAccount) -> bool:
    """Plan the next attempt at a mail, or skip it; whether it was skipped."""
    before = position.failing.pop(mail.uid, None)
    attempts = before.attempts + 1 if before else 1
    skipped = attempts > len(WAITS)
    details = {"account": account.name, "tenant": account.tenant, "uid": mail.uid, "attempts": attempts}
    if skipped:
        log.error("imap.mail_skipped", error=mail.refusal, **details)
    else:
        wait = WAITS[attempts - 1]
        position.failing[mail.uid] = Failing(attempts, now + timedelta(seconds=wait))
        log.warning("imap.mail_refused", error=mail.refusal, seconds=wait, **details)
    return skipped


async def record_marked(
    work: UnitOfWork, account: ImapAccount, holder: UUID, uidvalidity: int, uids: Sequence[int]
) -> None:
    """These mails are marked on the server."""
    position = await _locked(work, account, holder)
    if position.uidvalidity == uidvalidity:
        position.unmarked = [uid for uid in position.unmarked if uid not in set(uids)]
        await save_position(work, account.tenant, account.name, position)


async def _locked(work: UnitOfWork, account: ImapAccount, holder: UUID) -> ImapPosition:
    position = await lock_position(work, account.tenant, account.name, holder)
    if position is None:
        raise Conflict("another process reads the account")
    return position
