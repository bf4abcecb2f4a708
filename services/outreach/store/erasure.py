"""Statements that delete a person. Suppressions stay, with the keyed hash of the address, how, when and by whom."""

from collections.abc import Sequence
from uuid import UUID

from shared.db import UnitOfWork
from shared.store.idempotency import delete_answers


async def forget_addresses(
    work: UnitOfWork, tenant: str, lead_id: UUID, address_hashes: Sequence[bytes], addresses: Sequence[str]
) -> None:
    """Delete the lead's plain addresses and words from the suppression list, and unmatched replies from it.

    The addresses are those that it has, and those that it was written to. The reason of a suppression is the sentence
    of a reply, or an operator's words about the person; the answer to the operator has them too.
    """
    forgotten = await work.fetch_tuples(
        """
        UPDATE suppression SET address = NULL, reason = NULL
        WHERE tenant_id = :tenant AND (address IS NOT NULL OR reason IS NOT NULL) AND address_hash IS NOT NULL
          AND (address_hash = ANY (CAST(:hashes AS bytea[]))
               OR address_hash IN (SELECT address_hash FROM dispatch WHERE tenant_id = :tenant AND lead_id = :lead)
               OR reply_id IN (SELECT reply_id FROM reply WHERE tenant_id = :tenant AND (
                                   lead_id = :lead OR lead_id IS NULL AND sender = ANY (:senders))))
        RETURNING suppression_id
        """,
        tenant=tenant,
        lead=lead_id,
        hashes=list(address_hashes),
        senders=list(addresses),
    )
    await delete_answers(work, tenant, [suppression_id for (suppression_id,) in forgotten])
    await work.run(
        "DELETE FROM reply WHERE tenant_id = :tenant AND lead_id IS NULL AND sender = ANY (:senders)",
        tenant=tenant,
        senders=list(addresses),
    )


async def lock_messages(work: UnitOfWork, tenant: str, lead_ids: Sequence[UUID]) -> None:
    """Lock the drafts of these leads in the order of their ids, then their dispatches.

    What is done to a draft locks the draft and not its lead. Whoever was first is waited for here, so that the
    statements that delete see all it wrote; whoever comes later finds no draft.
    """
    for table in ("draft", "dispatch"):
        await work.run(
            f"""
            SELECT FROM {table} WHERE tenant_id = :tenant AND lead_id = ANY (:leads)
            ORDER BY tenant_id, {table}_id FOR UPDATE
            """,
            tenant=tenant,
            leads=list(lead_ids),
        )


async def delete_lead(work: UnitOfWork, tenant: str, lead_id: UUID) -> None:
    """Delete the lead's drafts, texts, approvals, dispatches and replies, then the lead.

    The answers that were kept for repeated requests go with it.

    Triggers allow this only once the erasure has been recorded, and a text only after its draft. `lock_messages` first.
    """
    of_lead = {"tenant": tenant, "lead": lead_id}
    for table in ("dispatch", "template_approval", "approval"):
        await work.run(
            f"""
            DELETE FROM {table} t USING draft d WHERE d.tenant_id = t.tenant_id AND d.draft_id = t.draft_id
            AND t.tenant_id = :tenant AND d.lead_id = :lead
            """,
            **of_lead,
        )
    drafts = await work.fetch_tuples(
        "DELETE FROM draft WHERE tenant_id = :tenant AND lead_id = :lead RETURNING draft_id", **of_lead
    )
    await work.run(
        "DELETE FROM content WHERE tenant_id = :tenant AND draft_id = ANY (:drafts)",
        tenant=tenant,
        drafts=[draft_id for (draft_id,) in drafts],
    )
    requested = await work.fetch_tuples(
        "DELETE FROM composition WHERE tenant_id = :tenant AND lead_id = :lead RETURNING draft_id", **of_lead
    )
    await delete_answers(work, tenant, [lead_id, *(draft_id for (draft_id,) in {*drafts, *requested})])
    for table in ("reply", "sent_step", "lead"):
        await work.run(f"DELETE FROM {table} WHERE tenant_id = :tenant AND lead_id = :lead", **of_lead)
