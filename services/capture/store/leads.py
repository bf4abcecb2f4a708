"""Leads: find, lock, save, forget. One statement for a whole batch, whatever its size."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import RowMapping

from services.capture.rules.contact import DETAILS, Contact
from services.capture.rules.lead import Lead, Mark
from services.capture.rules.matching import MOST_PAIRS
from shared.db import UnitOfWork

Key = tuple[str, UUID]
"""(tenant, lead id)."""
Identity = tuple[str, str, str]
"""(tenant, source, external id)."""

_COLUMNS = """tenant_id, lead_id, version, source, external_id, owner, email, phone, phone_first, likeness,
    details, attributes, consent, marks, as_of, created_on, updated_on, merged_into, merge_version"""

# A lead is found by what it is known by: one probe of one index for each submission. The sub-select with ORDER BY and
# LIMIT is what makes it a probe: a plain join, under row-level security and on a young table, may read all leads of the
# tenant for each submission, and that plan stays cached while the table grows. The phone of a switchboard and a common
# name lead to the oldest few only.
_FIND = f"""
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
    FROM unnest(CAST(:mail_tenants AS text[]), CAST(:emails AS text[])) AS w (tenant_id, email)
    CROSS JOIN LATERAL (
        (SELECT lead_id FROM lead WHERE tenant_id = w.tenant_id AND email = w.email AND merged_into IS NULL
         ORDER BY tenant_id, email LIMIT 1)
        UNION ALL
        (SELECT lead_id FROM lead WHERE tenant_id = w.tenant_id AND email = w.email AND merged_into IS NOT NULL
         ORDER BY tenant_id, email LIMIT 1)
    ) l
  UNION ALL
    SELECT w.tenant_id, l.lead_id, NULL, NULL
    FROM unnest(CAST(:phone_tenants AS text[]), CAST(:phones AS text[])) AS w (tenant_id, phone)
    CROSS JOIN LATERAL (
        (SELECT lead_id FROM lead WHERE tenant_id = w.tenant_id AND phone = w.phone AND phone_first
         ORDER BY tenant_id, phone LIMIT 1)
        UNION ALL
        (SELECT lead_id FROM lead WHERE tenant_id = w.tenant_id AND phone = w.phone AND NOT phone_first
         ORDER BY tenant_id, phone, lead_id LIMIT {MOST_PAIRS})
    ) l
  UNION ALL
    SELECT w.tenant_id, l.lead_id, NULL, NULL
    FROM unnest(CAST(:alike_tenants AS text[]), CAST(:alike AS bigint[])) AS w (tenant_id, likeness)
    CROSS JOIN LATERAL (
        SELECT lead_id FROM lead WHERE tenant_id = w.tenant_id AND likeness = w.likeness
        ORDER BY tenant_id, likeness, lead_id LIMIT {MOST_PAIRS}
    ) l
"""


async def find(work: UnitOfWork, submitted: Sequence[tuple[str, Contact]]) -> tuple[set[Key], dict[Identity, UUID]]:
    """The leads that the submissions (tenant, contact) may be about, and which lead each external id names."""
    ids = {(t, c.source, c.external_id) for t, c in submitted if c.external_id is not None}
    mails = {(t, c.email) for t, c in submitted if c.email is not None}
    phones = {(t, c.phone) for t, c in submitted if c.phone is not None}
    alike = {(t, c.likeness) for t, c in submitted if c.likeness is not None}
    rows = await work.fetch(
        _FIND,
        id_tenants=[t for t, _, _ in ids],
        id_sources=[source for _, source, _ in ids],
        ids=[external_id for _, _, external_id in ids],
        mail_tenants=[t for t, _ in mails],
        emails=[email for _, email in mails],
        phone_tenants=[t for t, _ in phones],
        phones=[phone for _, phone in phones],
        alike_tenants=[t for t, _ in alike],
        alike=[key for _, key in alike],
    )
    identities = {
        (row["tenant_id"], row["source"], row["external_id"]): row["lead_id"]
        for row in rows
        if row["external_id"] is not None
    }
    return {(row["tenant_id"], row["lead_id"]) for row in rows}, identities


async def probe_by_index(work: UnitOfWork) -> None:
    """For this transaction: no plan that scans a table because it was nearly empty when the plan was made."""
    await work.run("SELECT set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true)")


async def lock(work: UnitOfWork, keys: Iterable[Key]) -> list[Lead]:
    """The leads with these ids, locked in one order everywhere, and those that they are aliases of."""
    # The rows are locked as the nested loop reaches them: in the order of the array.
    wanted = sorted(set(keys))
    leads: list[Lead] = []
    while wanted:
        rows = await work.fetch(
            f"""
            SELECT l.*
            FROM unnest(CAST(:tenants AS text[]), CAST(:leads AS uuid[])) AS w (tenant_id, lead_id)
            CROSS JOIN LATERAL (
                SELECT {_COLUMNS} FROM lead WHERE tenant_id = w.tenant_id AND lead_id = w.lead_id
                ORDER BY tenant_id, lead_id LIMIT 1
                FOR UPDATE
            ) l
            """,
            tenants=[tenant for tenant, _ in wanted],
            leads=[lead_id for _, lead_id in wanted],
        )
        leads += map(lead_of, rows)
        known = {lead.key for lead in leads}
        wanted = sorted({(lead.tenant, lead.merged_into) for lead in leads if lead.merged_into is not None} - known)
    return leads


async def read(work: UnitOfWork, tenant: str, lead_id: UUID) -> Lead | None:
    row = await work.fetch_one(
        f"SELECT {_COLUMNS} FROM lead WHERE tenant_id = :tenant AND lead_id = :lead", tenant=tenant, lead=lead_id
    )
    return lead_of(row) if row else None


async def insert(work: UnitOfWork, leads: Sequence[Lead]) -> None:
    """Add new leads. A unique violation means that another batch has just made a lead of one of the addresses."""
    if leads:
        await work.run(
            f"""
            INSERT INTO lead ({_COLUMNS})
            SELECT tenant_id, lead_id, version, source, external_id, owner, email, phone, phone_first, likeness,
                   CAST(details AS jsonb), CAST(attributes AS jsonb), CAST(consent AS jsonb), CAST(marks AS jsonb),
                   as_of, created_on, updated_on, NULL, 0
            FROM unnest(
                CAST(:tenants AS text[]), CAST(:leads AS uuid[]), CAST(:versions AS int[]), CAST(:sources AS text[]),
                CAST(:external_ids AS text[]), CAST(:owners AS text[]), CAST(:emails AS text[]),
                CAST(:phones AS text[]), CAST(:phone_firsts AS bool[]), CAST(:likenesses AS bigint[]),
                CAST(:details AS text[]), CAST(:attributes AS text[]), CAST(:consents AS text[]),
                CAST(:marks AS text[]), CAST(:as_ofs AS timestamptz[]), CAST(:created AS timestamptz[]),
                CAST(:updated AS timestamptz[])
            ) AS t (tenant_id, lead_id, version, source, external_id, owner, email, phone, phone_first, likeness,
                    details, attributes, consent, marks, as_of, created_on, updated_on)
            """,
            **_content(leads),
            sources=[lead.source for lead in leads],
            external_ids=[lead.external_id for lead in leads],
            owners=[lead.owner for lead in leads],
            as_ofs=[lead.as_of for lead in leads],
            created=[lead.created_on for lead in leads],
        )


async def save(work: UnitOfWork, leads: Sequence[Lead]) -> None:
    """Store changed leads, which the transaction has locked."""
    if leads:
        # The plan of a join is made anew each time, for the table as large as it is then.
        await work.run("SELECT set_config('plan_cache_mode', 'force_custom_plan', true)")
        await work.run(
            """
            UPDATE lead l
            SET version = t.version, email = t.email, phone = t.phone, phone_first = t.phone_first,
                likeness = t.likeness, details = CAST(t.details AS jsonb), attributes = CAST(t.attributes AS jsonb),
                consent = CAST(t.consent AS jsonb), marks = CAST(t.marks AS jsonb), updated_on = t.updated_on,
                merged_into = t.merged_into, merge_version = t.merge_version
            FROM unnest(
                CAST(:tenants AS text[]), CAST(:leads AS uuid[]), CAST(:versions AS int[]), CAST(:emails AS text[]),
                CAST(:phones AS text[]), CAST(:phone_firsts AS bool[]), CAST(:likenesses AS bigint[]),
                CAST(:details AS text[]), CAST(:attributes AS text[]), CAST(:consents AS text[]),
                CAST(:marks AS text[]), CAST(:updated AS timestamptz[]), CAST(:merged AS uuid[]),
                CAST(:merge_versions AS int[])
            ) AS t (tenant_id, lead_id, version, email, phone, phone_first, likeness, details, attributes, consent,
                    marks, updated_on, merged_into, merge_version)
            WHERE l.tenant_id = t.tenant_id AND l.lead_id = t.lead_id
            """,
            **_content(leads),
            merged=[lead.merged_into for lead in leads],
            merge_versions=[lead.merge_version for lead in leads],
        )


async def identify(work: UnitOfWork, identities: Mapping[Identity, UUID]) -> None:
    """Remember which lead each external id names. A unique violation: another batch has just said so too."""
    if identities:
        await work.run(
            """
            INSERT INTO lead_identity (tenant_id, source, external_id, lead_id)
            SELECT * FROM unnest(CAST(:tenants AS text[]), CAST(:sources AS text[]), CAST(:ids AS text[]),
                                 CAST(:leads AS uuid[]))
            """,
            tenants=[tenant for tenant, _, _ in identities],
            sources=[source for _, source, _ in identities],
            ids=[external_id for _, _, external_id in identities],
            leads=list(identities.values()),
        )


def _content(leads: Sequence[Lead]) -> dict[str, list[Any]]:
    return {
        "tenants": [lead.tenant for lead in leads],
        "leads": [lead.lead_id for lead in leads],
        "versions": [lead.version for lead in leads],
        "emails": [lead.email for lead in leads],
        "phones": [lead.phone for lead in leads],
        "phone_firsts": [lead.phone_first for lead in leads],
        "likenesses": [lead.likeness for lead in leads],
        "details": [_dump({name: lead.fields[name] for name in DETAILS if name in lead.fields}) for lead in leads],
        "attributes": [_dump(lead.attributes) for lead in leads],
        "consents": [_dump(lead.consent) for lead in leads],
        "marks": [
            _dump({name: [mark.time.isoformat(), mark.human] for name, mark in lead.marks.items()}) for lead in leads
        ],
        "updated": [lead.updated_on for lead in leads],
    }


def _dump(value: Mapping[str, Any]) -> str:
    return orjson.dumps(value).decode() if value else "{}"


def lead_of(row: RowMapping) -> Lead:
    fields: dict[str, str] = dict(row["details"])
    if row["email"] is not None:
        fields["email"] = row["email"]
    if row["phone"] is not None:
        fields["phone"] = row["phone"]
    return Lead(
        tenant=row["tenant_id"],
        lead_id=row["lead_id"],
        source=row["source"],
        created_on=row["created_on"],
        as_of=row["as_of"],
        updated_on=row["updated_on"],
        version=row["version"],
        external_id=row["external_id"],
        owner=row["owner"],
        fields=fields,
        attributes=row["attributes"],
        consent=row["consent"],
        marks={name: Mark(datetime.fromisoformat(time), human) for name, (time, human) in row["marks"].items()},
        likeness=row["likeness"],
        merged_into=row["merged_into"],
        merge_version=row["merge_version"],
        phone_first=row["phone_first"],
    )
