"""The leads that submissions may be about, found by external id, e-mail and phone."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from services.capture.rules.contact import Contact, spellings_of
from services.capture.rules.matching import most_holders
from shared.db import UnitOfWork
from shared.ids import LeadKey

ExternalId = tuple[str, str, str]
"""(tenant, source, external id)."""

# Each submission costs one probe of each index. The sub-selects with ORDER BY and LIMIT force that plan: under
# row-level security and on a young table, a plain join may read all leads of the tenant for each submission, and that
# plan stays cached while the table grows. A phone finds no more leads than its submission is compared with: the oldest.
_FIND = """
    SELECT w.tenant_id, i.lead_id, w.source, w.external_id
    FROM unnest(CAST(:id_tenants AS text[]), CAST(:id_sources AS text[]), CAST(:ids AS text[]))
         AS w (tenant_id, source, external_id)
    CROSS JOIN LATERAL (
        SELECT lead_id FROM lead_identity
        WHERE tenant_id = w.tenant_id AND source = w.source AND external_id = w.external_id
        ORDER BY tenant_id, source, external_id LIMIT 1
    ) i
  UNION ALL
    SELECT w.tenant_id, l.lead_id, NULL, NULL
    FROM unnest(CAST(:email_tenants AS text[]), CAST(:emails AS text[])) AS w (tenant_id, email)
    CROSS JOIN LATERAL (
        (SELECT lead_id FROM lead WHERE tenant_id = w.tenant_id AND email = w.email AND merged_into IS NULL
         ORDER BY tenant_id, email LIMIT 1)
        UNION ALL
        (SELECT lead_id FROM lead WHERE tenant_id = w.tenant_id AND email = w.email AND merged_into IS NOT NULL
         ORDER BY tenant_id, email LIMIT 1)
    ) l
  UNION ALL
    SELECT w.tenant_id, l.lead_id, NULL, NULL
    FROM unnest(CAST(:phone_tenants AS text[]), CAST(:phones AS text[]), CAST(:most AS integer[]))
         AS w (tenant_id, phone, most)
    CROSS JOIN LATERAL (
        (SELECT lead_id FROM lead WHERE tenant_id = w.tenant_id AND phone = w.phone AND phone_first
         ORDER BY tenant_id, phone LIMIT 1)
        UNION ALL
        (SELECT lead_id FROM lead WHERE tenant_id = w.tenant_id AND phone = w.phone AND NOT phone_first
         ORDER BY tenant_id, phone, lead_id LIMIT w.most)
    ) l
"""


async def find(
    work: UnitOfWork, submitted: Sequence[tuple[str, Contact]]
) -> tuple[set[LeadKey], dict[ExternalId, UUID]]:
    """The leads that the submissions (tenant, contact) may be about, and the lead of each known external id."""
    ids = {(t, c.source, c.external_id) for t, c in submitted if c.external_id is not None}
    emails = {(t, c.email) for t, c in submitted if c.email is not None}
    phones: dict[tuple[str, str], int] = {}
    for tenant, contact in submitted:
        for phone in spellings_of(contact.phone) if contact.phone is not None else ():
            phones[tenant, phone] = max(most_holders(contact), phones.get((tenant, phone), 0))
    rows = await work.fetch(
        _FIND,
        id_tenants=[t for t, _, _ in ids],
        id_sources=[source for _, source, _ in ids],
        ids=[external_id for _, _, external_id in ids],
        email_tenants=[t for t, _ in emails],
        emails=[email for _, email in emails],
        phone_tenants=[t for t, _ in phones],
        phones=[phone for _, phone in phones],
        most=list(phones.values()),
    )
    external_ids = {
        (row["tenant_id"], row["source"], row["external_id"]): row["lead_id"]
        for row in rows
        if row["external_id"] is not None
    }
    return {(row["tenant_id"], row["lead_id"]) for row in rows}, external_ids


_MOST_FOUND = 10_000
"""Leads that one number finds, such as that of a large switchboard."""
# An alias is found by its own addresses and external ids, and counts as its kept lead.
_LOOKUPS = {
    "external_id": """
        SELECT lead_id FROM lead_identity
        WHERE tenant_id = :tenant AND source = :source AND external_id = :external_id
    """,
    "email": """
        SELECT lead_id FROM lead WHERE tenant_id = :tenant AND email = :email AND merged_into IS NULL
        UNION ALL
        SELECT lead_id FROM lead WHERE tenant_id = :tenant AND email = :email AND merged_into IS NOT NULL
    """,
    "phone": """
        SELECT lead_id FROM lead WHERE tenant_id = :tenant AND phone = ANY (CAST(:phones AS text[])) AND phone_first
        UNION ALL
        SELECT lead_id FROM lead WHERE tenant_id = :tenant AND phone = ANY (CAST(:phones AS text[])) AND NOT phone_first
    """,
}


async def lookup(work: UnitOfWork, tenant: str, by: str, **values: Any) -> set[UUID]:
    """The ids of the leads, never of aliases, that are found by `external_id` (with `source`), `email` or `phones`."""
    rows = await work.fetch_tuples(
        f"""
        SELECT coalesce(lead.merged_into, lead.lead_id)
        FROM ({_LOOKUPS[by]} LIMIT {_MOST_FOUND}) found JOIN lead USING (lead_id) WHERE lead.tenant_id = :tenant
        """,
        tenant=tenant,
        **values,
    )
    return {lead_id for (lead_id,) in rows}


async def forbid_table_scans(work: UnitOfWork) -> None:
    """Forbid, in this transaction, a plan that scans a table because it was nearly empty when the plan was made."""
    await work.run("SELECT set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true)")
