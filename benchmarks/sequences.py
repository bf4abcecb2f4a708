"""Whether a due step costs the same however many enrolments are active: in alternating rounds at two sizes."""

import time
from collections.abc import Sequence
from typing import Any

from benchmarks.results import Measurements, median_ratio, print_table
from benchmarks.servers import Servers
from services.outreach.drafts.use_cases.addressing import SenderAddresses
from services.outreach.keys import Keys
from services.outreach.sequences.store import enrolments
from services.outreach.sequences.use_cases import definitions, steps
from shared.db import Database

TENANT = "bench"
DUE = 150
"""Steps that are due in one round."""

_LEADS = """
    INSERT INTO lead (tenant_id, lead_id, version, email, email_hash, domain_hash, fields, fields_at, consent, stage)
    SELECT '{tenant}', {id}, 1, 'ada.' || n || '@relay-' || n % 997 || '.example', sha256(('a' || n)::bytea),
           sha256(('d' || n % 997)::bytea), jsonb_build_object('first_name', 'Ada', 'company', 'Relay Works ' || n),
           now(), '{{"email": "granted"}}', 'contacted'
    FROM generate_series(1, {count}) AS n
"""
# Their steps fall due over the next ninety days.
_ENROLMENTS = """
    INSERT INTO enrolment (tenant_id, enrolment_id, lead_id, sequence_id, version, step, anchor_at, planned_at, due_at,
                           cause, cause_id, enrolled_by, created_at)
    SELECT '{tenant}', md5('e' || n)::uuid, {id}, '{sequence}', 1, 1, now() - interval '9 days', at, at, 'manual',
           'bench:' || n, 'human:bench', now()
    FROM (SELECT n, now() + interval '1 day' + random() * interval '90 days' AS at
          FROM generate_series(1, {count}) AS n) AS made
"""
_MAKE_DUE = """
    UPDATE enrolment SET due_at = now() WHERE (tenant_id, enrolment_id) IN (
        SELECT tenant_id, enrolment_id FROM enrolment WHERE state = 'active' AND draft_id IS NULL AND due_at > now()
        LIMIT {due})
"""
_ID = "md5('lead' || n)::uuid"


async def measure(servers: Servers, *, sizes: Sequence[int], rounds: int) -> Measurements:
    """Due steps a second; the ratio is the cost of a due step / that at the first size."""
    databases = [(size, await _load(servers, size)) for size in sizes]
    rates: dict[int, list[float]] = {size: [] for size in sizes}
    try:
        for number in range(rounds + 1):
            for size, database in databases:
                await servers.execute(f"sequences_{size}", "outreach", _MAKE_DUE.format(due=DUE))
                rate = await _take_due(database)
                if number > 0:  # the first round warms up
                    rates[size].append(rate)
                    print(f"  round {number}: {size:9,} active {rate:9,.0f} steps/s", flush=True)
    finally:
        for _, database in databases:
            await database.close()
    variants = {
        f"at_{size}": {
            "rate": round(sorted(of_one)[len(of_one) // 2], 1),
            "ratio": round(median_ratio(rates[sizes[0]], of_one), 3),
        }
        for size, of_one in rates.items()
    }
    goals = {f"at_{sizes[-1]}": "ratio <= 1.1"}
    print_table("sequences: due steps a second; ratio = cost of a due step / at the first size", variants, goals)
    return {"sequences": variants}


async def _load(servers: Servers, size: int) -> Database:
    name = f"sequences_{size}"
    await servers.create_databases(name, ["outreach"])
    database = Database(servers.url(name, "outreach"), "outreach")
    given: dict[str, Any] = {
        "name": "Bench",
        "steps": [_step("PT0S"), _step("P3D")],
        "window": None,
        "holidays": None,
        "review": "each",
        "if_blocked": "skip",
        "if_rejected": "skip",
        "if_expired": "ask_again",
        "exit_stages": [],
        "enrol_when": None,
    }
    async with database.tenant(TENANT) as work:
        sequence = await definitions.create(work, TENANT, given, "human:bench")
        hashes = {step["template_sha256"] for step in (await definitions.get(work, TENANT, sequence)).body["steps"]}
        await definitions.activate(work, TENANT, sequence, "human:bench", sorted(hashes))
    parts = {"tenant": TENANT, "id": _ID, "count": size, "sequence": sequence}
    await servers.execute(name, "outreach", _LEADS.format(**parts), _ENROLMENTS.format(**parts), "VACUUM ANALYZE")
    print(f"  loaded {size:,} active enrolments", flush=True)
    return database


def _step(delay: str) -> dict[str, Any]:
    return {
        "step": None,
        "channel": "email",
        "delay": delay,
        "working_days": False,
        "review": None,
        "template": True,
        "subject": "A question for {{ company }}",
        "body": "Hi {{ first_name }}, is it?",
        "strategy": None,
    }


async def _take_due(database: Database) -> float:
    """Take all due steps, as the worker does; how many a second."""
    keys, sender = Keys(b"bench"), SenderAddresses("leadflow.example", "+12025550100")
    began, taken = time.perf_counter(), 0
    while True:
        async with database.worker() as work:
            due = await enrolments.due(work, 50)
        if not due:
            break
        for tenant, enrolment_id in due:
            async with database.worker([tenant]) as work:
                await steps.advance(work, keys, sender, tenant, enrolment_id)
            taken += 1
    assert taken >= DUE, f"only {taken} steps were due, not {DUE}"
    return taken / (time.perf_counter() - began)
