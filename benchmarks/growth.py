"""Whether a lead costs the same when its tenant has many: the pipeline in alternating rounds at two sizes."""

from collections.abc import Sequence
from dataclasses import replace

from benchmarks.implementations import OURS, Implementation
from benchmarks.leads import TENANT
from benchmarks.pipeline import LeadNumbers, measure_once, prepare
from benchmarks.results import Measurements, median_ratio, print_table
from benchmarks.servers import Servers
from benchmarks.topics import Topics

# Leads as the pipeline stores those of benchmarks.leads, with all rows that belong to them.
_CAPTURE = (
    """
    INSERT INTO lead (tenant_id, lead_id, version, source, external_id, email, phone, phone_first, details,
                      attributes, consent, as_of, created_on, updated_on, merge_version)
    SELECT '{tenant}', {id}, 1, 'website', 'old-' || n, 'old.' || n || '@relay-' || n % 997 || '.example',
           '+4916' || (900000000 + n), true,
           jsonb_build_object('first_name', 'Ada', 'last_name', 'Old', 'company', 'Relay Works ' || n,
                              'job_title', 'Head of Operations', 'country', 'DE', 'campaign', 'fair-1'),
           jsonb_build_object('message', repeat('We would like to know more. ', 12), 'session', n),
           '{{"email": "granted", "basis": "form"}}', at, at, at, 0
    FROM {numbers}
    """,
    """
    INSERT INTO lead_identity (tenant_id, source, external_id, lead_id)
    SELECT '{tenant}', 'website', 'old-' || n, {id} FROM {numbers}
    """,
    "INSERT INTO inbox (tenant_id, digest, seen_on) SELECT '{tenant}', md5('in' || n)::uuid, at FROM {numbers}",
    "INSERT INTO lead_stream (tenant_id, lead_id, sent) SELECT '{tenant}', {id}::text, 1 FROM {numbers}",
)
_SCORING = (
    """
    INSERT INTO signal (tenant_id, digest, lead_id, type, event_id, source, occurred_at, recorded_at, data)
    SELECT '{tenant}', md5('captured' || n)::uuid, {id}, 'lead.captured', 'e' || n, 'urn:leadflow:capture', at, at,
           jsonb_build_object('source', 'website', 'company', 'Relay Works ' || n, 'phone', '+4916' || n,
                              'attributes', jsonb_build_object('message', repeat('We would like to know. ', 12)))
    FROM {numbers}
    """,
    """
    INSERT INTO lead (tenant_id, lead_id, seen_at, revision, fit, intent, engagement, band, model_version, scored_at)
    SELECT '{tenant}', {id}, at, 1, 7, 6, 0, 'D', 1, at FROM {numbers}
    """,
    "INSERT INTO lead_stream (tenant_id, lead_id, sent) SELECT '{tenant}', {id}::text, 1 FROM {numbers}",
)
_STAGES = (
    """
    INSERT INTO lead (tenant_id, lead_id, captured, stage, status, revision, journey, score_total, band, score_revision,
                      scored_at, hot, last_activity_on, source, campaign, name, company, contact_version, drafts,
                      next_due, updated_at)
    SELECT '{tenant}', {id}, true, 'qualified', 'qualified', 1, jsonb_build_object('v', 1, 'stage', 'qualified',
           'created_on', at, 'entered_at', at, 'because', 'the checklist is complete', 'score', 13), 13, 'D', 1, at,
           false, at, 'website', 'fair-1', 'Ada Old', 'Relay Works ' || n, 1, '{{}}', at + interval '400 days', at
    FROM {numbers}
    """,
    """
    INSERT INTO activity (tenant_id, digest, lead_id, type, event_id, source, occurred_at, recorded_at, actor, data,
                          folded, position, revision, superseded, shown)
    SELECT '{tenant}', md5(kind || n)::uuid, {id}, kind, 'e' || kind || n, 'urn:leadflow:capture', at, at, 'system:x',
           jsonb_build_object('source', 'website', 'total', 13), kind <> 'status_change', 0, 1, false, true
    FROM {numbers}, unnest(ARRAY['lead.captured', 'lead.scored', 'status_change']) AS kind
    """,
    "INSERT INTO lead_stream (tenant_id, lead_id, sent) SELECT '{tenant}', {id}::text, 1 FROM {numbers}",
)
# Old ids in the order of their creation, as UUIDv7 are.
_ID = (
    "('01900000-' || lpad(to_hex(n / 4096), 4, '0') || '-7' || lpad(to_hex(n % 4096), 3, '0') || '-8'"
    " || substr(md5(n::text), 1, 3) || '-' || substr(md5(n::text), 4, 12))::uuid"
)
_NUMBERS = "(SELECT n, clock_timestamp() - n * interval '1 second' AS at FROM generate_series(1, {count}) AS n) AS made"


async def measure(servers: Servers, topics: Topics, *, sizes: Sequence[int], leads: int, rounds: int) -> Measurements:
    """Rates while the tenant already has so many leads; the ratio is the cost of a lead / that at the first size."""
    implementations: list[Implementation] = []
    for size in sizes:
        implementation = replace(OURS, name=f"ours_{size}", databases=f"ours_{size}")
        await prepare(servers, implementation)
        for service, statements in (("capture", _CAPTURE), ("scoring", _SCORING), ("stages", _STAGES)):
            filled = [
                statement.format(
                    tenant=TENANT,
                    id=_ID,
                    numbers=_NUMBERS.format(count=size),
                )
                for statement in statements
            ]
            await servers.execute(implementation.databases, service, *filled)
        implementations.append(implementation)
        print(f"  loaded {size:,} leads", flush=True)
    numbers = LeadNumbers(20_000_000)
    rates: dict[str, list[float]] = {implementation.name: [] for implementation in implementations}
    for number in range(rounds):
        for implementation in implementations:
            rate = await measure_once(implementation, servers, topics, numbers, leads)
            rates[implementation.name].append(rate)
            print(f"  round {number + 1}: {implementation.name:14} {rate:9,.0f} leads/s", flush=True)
    variants = {}
    for size, (name, of_one) in zip(sizes, rates.items(), strict=True):
        variants[f"at_{size}"] = {
            "rate": round(sorted(of_one)[len(of_one) // 2], 1),
            "ratio": round(median_ratio(rates[implementations[0].name], of_one), 3),
        }
        assert name == f"ours_{size}"
    print_table("growth: leads a second; ratio = cost of a lead at this size / at the first", variants, {})
    return {"growth": variants}
