"""Queries on leads as outreach knows them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.outreach.rules import AUTOMATIC_LABELS
from shared.db import Row, UnitOfWork
from shared.ids import LeadKey
from shared.store.aliases import aliases_of, resolve


@dataclass(frozen=True, slots=True)
class Lead:
    """A lead as outreach knows it. `captured` is false as long as only other events have named it."""

    tenant: str
    lead_id: UUID
    captured: bool
    email: str | None
    phone: str | None
    email_hash: bytes | None
    phone_hash: bytes | None
    domain_hash: bytes | None
    fields: dict[str, Any]
    fields_at: datetime | None
    consent: dict[str, Any]
    facts: dict[str, Any]
    stage: str
    stage_rule: str | None
    met_at: datetime | None
    later_until: datetime | None
    score_total: int
    mode: str | None
    announced_mode: str
    opted_out: bool
    exhausted_at: datetime | None
    merged_into: UUID | None
    score_band: str | None = None
    """None: the lead has not been scored yet."""
    score_reasons: Sequence[Mapping[str, Any]] = ()
    owner: str | None = None
    stage_since: datetime | None = None
    nurture_due: datetime | None = None
    """When its next check-in falls due; None: it gets none."""

    @property
    def kept_id(self) -> UUID:
        """The id under which drafts and enrolments of the lead run: of the lead that it was merged into, or its own."""
        return self.merged_into or self.lead_id

    @property
    def alias_id(self) -> UUID | None:
        """Its own id where it is an alias."""
        return self.lead_id if self.merged_into else None

    @property
    def taken_up_at(self) -> datetime | None:
        """Since when the lead is in its stage, if it came there after its channels were used up: somebody took it up
        again, and they count from then on."""
        since, exhausted = self.stage_since, self.exhausted_at
        return since if since and exhausted and since > exhausted else None

    @property
    def name(self) -> str | None:
        """The whole name, as far as it is known."""
        parts = [self.fields.get("first_name"), self.fields.get("last_name")]
        return self.fields.get("full_name") or " ".join(part for part in parts if part) or None

    @property
    def company(self) -> str | None:
        """The company that the lead gave, or else the one that enrichment found."""
        return self.fields.get("company") or self._text_of_fact("company_name")

    def address(self, channel: str) -> str | None:
        """The lead's address on a channel."""
        return self.email if channel == "email" else self.phone

    def address_hash(self, channel: str) -> bytes | None:
        """The keyed hash of that address."""
        return self.email_hash if channel == "email" else self.phone_hash

    def consent_for(self, channel: str) -> str:
        """`granted`, `denied` or `unknown`."""
        return str(self.consent.get(channel, "unknown"))

    @property
    def timezone(self) -> str | None:
        """The time zone that the lead gave, or else the one that enrichment found."""
        return self.fields.get("timezone") or self._text_of_fact("timezone")

    @property
    def country(self) -> str | None:
        """The country (ISO 3166) that the lead gave, or else the one that enrichment found for it or its phone."""
        found = self._text_of_fact("country") or self._text_of_fact("phone_country")
        return self.fields.get("country") or found

    def _text_of_fact(self, name: str) -> str | None:
        """The value of an enriched fact; None where it is no text, for an event may name any value."""
        value = (self.facts.get(name) or {}).get("value")
        return value if isinstance(value, str) and value else None


def _lead(row: Row) -> Lead:
    return Lead(
        tenant=row["tenant_id"],
        lead_id=row["lead_id"],
        captured=row["version"] > 0,
        email=row["email"],
        phone=row["phone"],
        email_hash=row["email_hash"],
        phone_hash=row["phone_hash"],
        domain_hash=row["domain_hash"],
        fields=row["fields"],
        fields_at=row["fields_at"],
        consent=row["consent"],
        facts=row["facts"],
        stage=row["stage"],
        stage_rule=row["stage_rule"],
        met_at=row["met_at"],
        later_until=row["later_until"],
        score_total=row["score_total"] or 0,
        mode=row["mode"],
        announced_mode=row["announced_mode"],
        opted_out=row["opted_out"],
        exhausted_at=row["exhausted_at"],
        merged_into=row["merged_into"],
        score_band=row["score_band"],
        score_reasons=row["score_reasons"] or (),
        owner=row["fields"].get("owner") if row["owner"] is None else row["owner"] or None,
        stage_since=row["stage_since"],
        nurture_due=row["nurture_due"],
    )


# A lead also counts as opted out while one that is merged into it has opted out.
_LEADS = """
    SELECT l.*, a.lead_id AS merged_into, l.opted_out_at IS NOT NULL OR EXISTS (
        SELECT FROM alias m JOIN lead o ON o.tenant_id = m.tenant_id AND o.lead_id = m.alias_id
        WHERE m.tenant_id = l.tenant_id AND m.lead_id = l.lead_id AND NOT m.undone AND o.opted_out_at IS NOT NULL
    ) AS opted_out
    FROM lead l LEFT JOIN alias a ON a.tenant_id = l.tenant_id AND a.alias_id = l.lead_id AND NOT a.undone
"""


async def lead_of(work: UnitOfWork, tenant: str, lead_id: UUID, *, lock: bool = False) -> Lead | None:
    """One lead, or None where no event has named it."""
    row = await work.fetch_one(
        f"{_LEADS} WHERE l.tenant_id = :tenant AND l.lead_id = :lead {'FOR UPDATE OF l' if lock else ''}",
        tenant=tenant,
        lead=lead_id,
    )
    return _lead(row) if row else None


async def leads_of(work: UnitOfWork, keys: Iterable[LeadKey]) -> dict[LeadKey, Lead]:
    """Several leads by their keys; those that no event has named are left out."""
    wanted = sorted(set(keys))
    if not wanted:
        return {}
    rows = await work.fetch(
        f"""{_LEADS}
        JOIN unnest(CAST(:tenants AS text[]), CAST(:leads AS uuid[])) AS w (tenant_id, lead_id)
          ON w.tenant_id = l.tenant_id AND w.lead_id = l.lead_id
        """,
        tenants=[tenant for tenant, _ in wanted],
        leads=[lead for _, lead in wanted],
    )
    return {(row["tenant_id"], row["lead_id"]): _lead(row) for row in rows}


async def lead_ids_of(work: UnitOfWork, tenant: str, lead_id: UUID) -> list[UUID]:
    """Every id of the lead: its own first, then its aliases."""
    return [lead_id, *(await aliases_of(work, [(tenant, lead_id)]))[tenant, lead_id]]


async def all_ids_of(work: UnitOfWork, tenant: str, lead_id: UUID) -> list[UUID]:
    """Every id of the lead that has this one, which may be an alias: its own first, then its aliases."""
    return await lead_ids_of(work, tenant, (await resolve(work, [(tenant, lead_id)]))[tenant, lead_id])


async def lock_leads_shared(work: UnitOfWork, tenant: str, lead_id: UUID) -> None:
    """Lock the lead and its aliases against opt-outs on any channel, after waiting for those that are under way."""
    await work.fetch(
        "SELECT lead_id FROM lead WHERE tenant_id = :tenant AND lead_id = ANY (:leads) ORDER BY lead_id FOR SHARE",
        tenant=tenant,
        leads=await lead_ids_of(work, tenant, lead_id),
    )


async def address_hashes_of(work: UnitOfWork, keys: Sequence[LeadKey]) -> list[tuple[str, str, bytes]]:
    """(tenant, channel, hash) of every address that these leads have now."""
    if not keys:
        return []
    rows = await work.fetch(
        """
        SELECT l.tenant_id, l.email_hash, l.phone_hash FROM lead l
        JOIN unnest(CAST(:tenants AS text[]), CAST(:leads AS uuid[])) AS w (tenant_id, lead_id)
          ON w.tenant_id = l.tenant_id AND w.lead_id = l.lead_id
        """,
        tenants=[tenant for tenant, _ in keys],
        leads=[lead for _, lead in keys],
    )
    found = [(row["tenant_id"], "email", row["email_hash"]) for row in rows]
    found += [(row["tenant_id"], "sms", row["phone_hash"]) for row in rows]
    return [(tenant, channel, bytes(hash)) for tenant, channel, hash in found if hash]


async def last_reply_at(work: UnitOfWork, tenant: str, lead_ids: Sequence[UUID]) -> datetime | None:
    """When the last reply of the lead was received; automatic messages are not replies."""
    row = await work.fetch_one(
        """
        SELECT max(received_at) AS at FROM reply
        WHERE tenant_id = :tenant AND lead_id = ANY (:leads) AND outcome = 'matched'
          AND label <> ALL (CAST(:automatic AS text[]))
        """,
        tenant=tenant,
        leads=list(lead_ids),
        automatic=sorted(AUTOMATIC_LABELS),
    )
    return row["at"] if row else None


async def answered_label(
    work: UnitOfWork, tenant: str, lead_ids: Sequence[UUID], reply_id: str | None, message_id: str | None
) -> str | None:
    """The label of the lead's reply with this id, or else this Message-ID; None where it is none of the lead's."""
    row = await work.fetch_one(
        """
        SELECT label FROM reply
        WHERE tenant_id = :tenant AND lead_id = ANY (:leads) AND outcome = 'matched'
          AND CASE WHEN CAST(:reply AS uuid) IS NULL THEN message_id = :message ELSE reply_id = CAST(:reply AS uuid) END
        LIMIT 1
        """,
        tenant=tenant,
        leads=list(lead_ids),
        reply=reply_id,
        message=message_id,
    )
    return row["label"] if row else None


async def reply_ids_of(work: UnitOfWork, tenant: str, lead_id: UUID) -> list[UUID]:
    """The ids of the replies that came to this lead itself."""
    rows = await work.fetch_tuples(
        "SELECT reply_id FROM reply WHERE tenant_id = :tenant AND lead_id = :lead", tenant=tenant, lead=lead_id
    )
    return [reply_id for (reply_id,) in rows]


async def replies_since(work: UnitOfWork, tenant: str, lead_id: UUID, since: datetime) -> Sequence[tuple[Any, ...]]:
    """(reply id, label, method) of the replies that came to this lead itself since then, in order."""
    return await work.fetch_tuples(
        """
        SELECT reply_id, label, method FROM reply
        WHERE tenant_id = :tenant AND lead_id = :lead AND received_at >= :since AND outcome = 'matched'
        ORDER BY received_at, reply_id
        """,
        tenant=tenant,
        lead=lead_id,
        since=since,
    )


async def schedule_check_ins(work: UnitOfWork, dues: Mapping[LeadKey, datetime | None]) -> None:
    """Set when the next nurture check-in of each lead falls due; None: there is none."""
    await work.run(
        """
        UPDATE lead l SET nurture_due = w.due
        FROM unnest(CAST(:tenants AS text[]), CAST(:leads AS uuid[]), CAST(:dues AS timestamptz[]))
             AS w (tenant_id, lead_id, due)
        WHERE l.tenant_id = w.tenant_id AND l.lead_id = w.lead_id AND l.nurture_due IS DISTINCT FROM w.due
        """,
        tenants=[tenant for tenant, _ in dues],
        leads=[lead for _, lead in dues],
        dues=list(dues.values()),
    )
