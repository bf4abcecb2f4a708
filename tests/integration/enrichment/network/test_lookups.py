"""Which questions are asked, and which are asked again: no tenant's backlog stands in the way of another's."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from services.enrichment.gateways.reference_data import subject_of
from services.enrichment.rules import Finding
from services.enrichment.rules.questions import Question
from services.enrichment.store import lookups as store
from services.enrichment.use_cases import lookups
from services.enrichment.use_cases.lookups import Leased, Result, Slots
from services.enrichment.use_cases.provider_questions import ask_about
from services.enrichment.use_cases.setups import read_setups
from services.enrichment.workers import refresh_answers
from shared.ids import uuid7
from shared.testing.running import Running

SLOTS = Slots(free=32, free_for_bulk=16, for_each_provider=16, under_way={})
PAGE = 5
FOUND = {"industry": Finding("Steel", "crm")}


@pytest.fixture
async def run(start: Any, backend: Any) -> Running:
    """A service whose workers do nothing, and a database without the questions of other tests."""
    connection = await asyncpg.connect(backend.owner_url("enrichment").replace("postgresql+asyncpg", "postgresql"))
    try:
        await connection.execute("DELETE FROM lookup")
    finally:
        await connection.close()
    running: Running = await start("enrichment", only="api")
    return running


async def configure(run: Running, tenant: str, **changes: Any) -> None:
    item = {"name": "crm", "kind": "json_api", "url": "https://api.example/{domain}", "mapping": {"industry": "a"}}
    async with run.client(tenant) as client:
        answer = await client.put("/v1/providers", json={"items": [item | changes]})
        assert answer.status_code == 200, answer.text


async def questions(
    run: Running, tenant: str, count: int, *, bulk: bool = False, hours_ago: float = 1, answered: bool = False
) -> None:
    """So many questions to the tenant's provider, each of a lead, due since then; or `answered`, and expired then."""
    async with run.database.worker([tenant]) as work:
        row = await work.fetch_one("SELECT generation FROM provider WHERE tenant_id = :t", t=tenant)
        assert row is not None
        asked = [Question({"company_domain": f"{uuid7()}.example"}) for _ in range(count)]
        keys = {(tenant, row["generation"], each.key): ("crm", each.values, False) for each in asked}
        await store.add(work, keys)
        await store.link(work, [((tenant, uuid7()), key[1], key[2]) for key in keys], known=())
        change = "outcome = 'nothing', findings = '{}', due_at = NULL, expires_at = :at" if answered else "due_at = :at"
        await work.run(
            f"UPDATE lookup SET bulk = :bulk, {change} WHERE key = ANY (CAST(:keys AS uuid[]))",
            bulk=bulk,
            at=work.now - timedelta(hours=hours_ago),
            keys=[each.key for each in asked],
        )


async def health(run: Running, tenant: str, **columns: Any) -> None:
    """What is stored of how the tenant's provider has been doing."""
    async with run.database.worker([tenant]) as work:
        changes = ", ".join(f"{name} = :{name}" for name in columns)
        await work.run("INSERT INTO provider_state (tenant_id, provider) VALUES (:t, 'crm')", t=tenant)
        await work.run(f"UPDATE provider_state SET {changes} WHERE tenant_id = :t", t=tenant, **columns)


async def chosen_of(run: Running) -> list[str]:
    """The tenants of the questions that would be asked now."""
    async with run.database.worker() as work:
        return sorted(row["tenant_id"] for row in await lookups.choose_due(work, SLOTS))


async def asked(run: Running) -> list[Leased]:
    async with run.database.worker() as work:
        chosen = await lookups.choose_due(work, SLOTS)
    async with run.database.worker({row["tenant_id"] for row in chosen}) as work:
        return await lookups.lease_due(work, chosen)


async def answered(run: Running, leased: Iterable[Leased], **result: Any) -> None:
    results = [Result(each, ms=1, **result) for each in leased]
    async with run.database.worker({each.leased.key[0] for each in results}) as work:
        await lookups.record_results(work, results)


@pytest.mark.parametrize("bulk", [False, True], ids=["new", "bulk"])
async def test_providers_that_may_not_be_asked_now_take_no_slots(run: Running, tenant: str, bulk: bool) -> None:
    for number in range(5):
        limited = f"{tenant}-{number}"
        await configure(run, limited, rate_per_minute=1)
        await questions(run, limited, 20, bulk=bulk, hours_ago=2)
        await health(run, limited, tokens=0.0, tokens_at=datetime.now(UTC))
    await configure(run, f"{tenant}-tried")
    await questions(run, f"{tenant}-tried", 20, bulk=bulk, hours_ago=2)
    await health(run, f"{tenant}-tried", failures=7)
    await configure(run, tenant)
    await questions(run, tenant, 9, bulk=bulk)
    assert await chosen_of(run) == [tenant] * 9 + [f"{tenant}-tried"]


async def test_what_leads_wait_for_is_chosen_before_bulk_work_and_no_provider_has_all_slots(
    run: Running, tenant: str
) -> None:
    for name in ("a", "b"):
        await configure(run, f"{tenant}-{name}")
        await questions(run, f"{tenant}-{name}", 20, bulk=True, hours_ago=2)
    await questions(run, f"{tenant}-a", 20)
    async with run.database.worker() as work:
        chosen = await lookups.choose_due(work, SLOTS)
    assert [(row["tenant_id"], row["bulk"]) for row in chosen] == (
        [(f"{tenant}-a", False)] * 16 + [(f"{tenant}-b", True)] * 16
    )


async def test_answers_of_a_tenant_that_is_behind_or_not_asked_stop_the_refreshes_of_no_other(
    run: Running, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookups, "_PAGE", PAGE)
    for kind in ("off", "disabled", "paused", "behind"):
        await configure(run, f"{tenant}-{kind}", enabled=kind != "disabled")
        await questions(run, f"{tenant}-{kind}", 2 * PAGE, answered=True, hours_ago=200)
    await questions(run, f"{tenant}-off", PAGE, bulk=True)
    await questions(run, f"{tenant}-behind", PAGE - 1, bulk=True)
    await health(run, f"{tenant}-paused", paused_until=datetime.now(UTC) + timedelta(hours=1))
    async with run.client(f"{tenant}-off") as client:
        await client.put("/v1/settings", json={"enabled": False})
    await configure(run, tenant)
    await questions(run, tenant, 3, answered=True)
    assert await refresh_answers(run.database) == 3 + 1
    assert await refresh_answers(run.database) == 0
    assert await chosen_of(run) == [tenant] * 3 + [f"{tenant}-behind"] * PAGE


async def test_a_question_that_failed_for_good_is_asked_again_for_a_new_lead_only(run: Running, tenant: str) -> None:
    await configure(run, tenant)
    leads = [((tenant, uuid7()), subject_of({"email": f"{name}@acme.example"})) for name in ("ada", "bob")]

    async def captured(number: int) -> None:
        async with run.database.worker([tenant]) as work:
            setups = await read_setups(work, [(tenant, leads[number][1])], ())
            await ask_about(work, [leads[number]], setups, stored=(), again=False)

    clock = run.database.clock
    try:
        await captured(0)
        await answered(run, await asked(run), outcome="failed", error="it answers 401")
        clock.advance(hours=25)
        assert await refresh_answers(run.database) == 0
        assert await chosen_of(run) == []
        await captured(1)
        assert await chosen_of(run) == [tenant]
    finally:
        clock.advance(hours=-25)


async def test_an_earlier_answer_is_refreshed_in_its_turn_though_a_refresh_failed(run: Running, tenant: str) -> None:
    await configure(run, tenant, max_age_hours=48)
    await questions(run, tenant, 1)
    await answered(run, await asked(run), outcome="found", findings=FOUND)
    clock = run.database.clock
    try:
        clock.advance(hours=49)
        assert await refresh_answers(run.database) == 1
        await answered(run, await asked(run), outcome="failed", error="it answers 401")
        clock.advance(hours=2)
        assert await refresh_answers(run.database) == 0
        clock.advance(hours=47)
        assert await refresh_answers(run.database) == 1
        (leased,) = await asked(run)
        async with run.database.worker() as work:
            (row,) = (await store.read(work, [leased.key])).values()
        assert row["findings"]["industry"]["value"] == "Steel"
    finally:
        clock.advance(hours=-98)


async def test_what_is_configured_anew_after_it_was_chosen_is_not_asked(run: Running, tenant: str) -> None:
    """Or the new secret would be sent to the old host."""
    for name in ("changed", "same"):
        await configure(run, f"{tenant}-{name}", headers={"X-Key": "old"})
        await questions(run, f"{tenant}-{name}", 1)
    async with run.database.worker() as work:
        chosen = await lookups.choose_due(work, SLOTS)
    await configure(run, f"{tenant}-changed", url="https://other.example/{domain}", headers={"X-Key": "new"})
    async with run.database.worker({row["tenant_id"] for row in chosen}) as work:
        (leased,) = await lookups.lease_due(work, chosen)
    assert (leased.key[0], leased.config.headers) == (f"{tenant}-same", {"X-Key": "old"})
