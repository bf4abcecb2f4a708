"""What the database refuses to everybody: raw SQL as each role, and as the owner of the tables."""

import asyncio
import json
from hashlib import sha256
from uuid import uuid4

import asyncpg
import pytest
import rfc8785

from shared.db import DatabaseError


@pytest.fixture
async def pending(office, tenant):
    lead = await office.captured(tenant)
    return await office.draft(tenant, lead)


@pytest.fixture
async def approved(office, tenant):
    return await office.approved(tenant, await office.captured(tenant))


async def as_app(office, tenant, statement, **values):
    async with office.database.tenant(tenant) as work:
        return await work.run(statement, tenant=tenant, **values)


async def as_worker(office, tenant, statement, **values):
    async with office.database.worker([tenant]) as work:
        return await work.run(statement, tenant=tenant, **values)


async def as_owner(office, tenant, statement, **values):
    """The owner of the tables: no grants restrict it, only triggers and keys do."""
    admin = await asyncpg.connect(office.url)
    try:
        for name, value in {"tenant": tenant, **values}.items():
            statement = statement.replace(f":{name}", f"'{value}'")
        return await admin.execute(statement)
    finally:
        await admin.close()


EACH_ROLE = pytest.mark.parametrize("as_role", [as_app, as_worker, as_owner])
REFUSED = (DatabaseError, asyncpg.PostgresError)

_DISPATCH = """
    INSERT INTO dispatch (tenant_id, dispatch_id, draft_id, sha256, lead_id, kind, channel, address_hash, mailbox,
                          cause_at, due_at, created_at, state)
    SELECT tenant_id, gen_random_uuid(), draft_id, sha256, lead_id, kind, channel, '\\x00', 'x@y.example', now(), now(),
           now(), CAST(:state AS text)
    FROM draft WHERE tenant_id = :tenant AND draft_id = CAST(:draft AS uuid)
"""


@EACH_ROLE
@pytest.mark.parametrize("state", ["queued", "sending", "sent"])
async def test_nothing_is_dispatched_without_an_approval(office, tenant, pending, as_role, state):
    with pytest.raises(REFUSED):
        await as_role(office, tenant, _DISPATCH, draft=pending["draft_id"], state=state)


@EACH_ROLE
async def test_a_dispatch_names_exactly_the_text_that_was_approved(office, tenant, approved, as_role):
    other = await office.draft(tenant, await office.captured(tenant))
    swap = "UPDATE dispatch SET draft_id = CAST(:other AS uuid), sha256 = :hash WHERE tenant_id = :tenant"
    with pytest.raises(REFUSED):
        await as_role(office, tenant, swap, other=other["draft_id"], hash=other["sha256"])


@EACH_ROLE
async def test_a_text_is_never_changed(office, tenant, approved, as_role):
    with pytest.raises(REFUSED):
        await as_role(
            office, tenant, "UPDATE content SET canonical = replace(canonical, 'is it', 'is') WHERE tenant_id = :tenant"
        )
    with pytest.raises(REFUSED):
        await as_role(office, tenant, "UPDATE content SET sha256 = 'x' WHERE tenant_id = :tenant")


@EACH_ROLE
async def test_an_approval_is_never_changed_and_deleted_only_by_erasure(office, tenant, approved, as_role):
    with pytest.raises(REFUSED):
        await as_role(office, tenant, "UPDATE approval SET actor = 'human:eve' WHERE tenant_id = :tenant")
    for table in ("dispatch", "approval", "content"):
        with pytest.raises(REFUSED):
            await as_role(office, tenant, f"DELETE FROM {table} WHERE tenant_id = :tenant")


_APPROVE = """
    INSERT INTO approval (tenant_id, draft_id, sha256, actor, at)
    VALUES (:tenant, CAST(:draft AS uuid), :hash, :actor, now())
"""


async def test_the_worker_role_cannot_approve(office, tenant, pending):
    with pytest.raises(DatabaseError, match="permission denied"):
        await as_worker(office, tenant, _APPROVE, draft=pending["draft_id"], hash=pending["sha256"], actor="human:ann")


async def test_the_worker_role_cannot_even_queue_what_is_approved(office, tenant, approved):
    with pytest.raises(DatabaseError, match="permission denied"):
        await as_worker(office, tenant, _DISPATCH, draft=approved["draft_id"], state="queued")


@pytest.mark.parametrize("as_role", [as_app, as_owner])
async def test_an_approval_is_given_by_a_human_for_the_present_text(office, tenant, pending, as_role):
    good = {"draft": pending["draft_id"], "hash": pending["sha256"], "actor": "human:ann"}
    for wrong in ({"actor": "agent:composer"}, {"actor": "human:"}, {"hash": "0" * 64}, {"draft": str(uuid4())}):
        with pytest.raises(REFUSED):
            await as_role(office, tenant, _APPROVE, **{**good, **wrong})
    async with office.client(tenant, "reviewer") as http:
        await http.post(
            f"/v1/drafts/{pending['draft_id']}/edit",
            json={"body": "Another."},
            headers={"If-Match": f'"{pending["version"]}"'},
        )
    with pytest.raises(REFUSED):
        await as_role(office, tenant, _APPROVE, **good)


@EACH_ROLE
async def test_a_draft_becomes_approved_only_by_an_approval(office, tenant, pending, as_role):
    with pytest.raises(REFUSED):
        await as_role(office, tenant, "UPDATE draft SET state = 'approved' WHERE tenant_id = :tenant")


@EACH_ROLE
async def test_a_message_that_was_sent_is_never_queued_a_second_time(office, tenant, approved, as_role):
    await office.send()
    for state in ("queued", "sending", "failed"):
        with pytest.raises(REFUSED):
            await as_role(office, tenant, "UPDATE dispatch SET state = :state WHERE tenant_id = :tenant", state=state)


async def test_another_tenant_reads_and_changes_nothing(office, tenant, approved):
    async with office.database.tenant("somebody-else") as work:
        for table in ("lead", "draft", "content", "approval", "dispatch", "address"):
            assert await work.fetch(f"SELECT * FROM {table} WHERE tenant_id = :t", t=tenant) == []
    async with office.client("somebody-else", "admin") as http:
        assert (await http.get(f"/v1/drafts/{approved['draft_id']}")).status_code == 404
        assert (await http.get(f"/v1/dispatches/{approved['dispatch_id']}")).status_code == 404


async def test_the_database_computes_the_same_hash_as_rfc_8785(office, tenant):
    draft = await office.draft(
        tenant, await office.captured(tenant), subject="Grüße \U0001f600", body='a "b" \\ \u20ac\n'
    )
    parts = {name: draft[name] for name in ("channel", "from", "to", "subject", "body", "headers")}
    assert draft["sha256"] == sha256(rfc8785.dumps(parts)).hexdigest()
    async with office.database.worker() as work:
        row = await work.fetch_one("SELECT * FROM content WHERE draft_id = :d", d=draft["draft_id"])
    assert row["sha256"] == draft["sha256"]
    assert json.loads(row["canonical"]) == parts


async def test_of_a_hundred_approvals_one_counts(office, tenant, pending, smtp):
    async def approve(n: int) -> int:
        async with office.client(tenant, "reviewer", subject=f"r{n}") as http:
            url = f"/v1/drafts/{pending['draft_id']}/approve"
            return (await http.post(url, json={"sha256": pending["sha256"]})).status_code

    codes = await asyncio.gather(*(approve(n) for n in range(100)))
    assert sorted(codes) == [200] + [409] * 99
    await asyncio.gather(*(office.send() for _ in range(4)))
    assert len(smtp.to(pending["to"])) == 1
