"""The transitions of a dispatch in the code are those that the database's trigger `guard_dispatch` allows."""

from itertools import permutations
from typing import get_args

import asyncpg
import pytest

from services.outreach.sending.rules import TRANSITIONS, ForbiddenTransition, State, check_transition


@pytest.fixture
async def database(office):
    """The administrator's connection to the migrated database; nothing that is done there stays."""
    connection = await asyncpg.connect(office.url)
    transaction = connection.transaction()
    await transaction.start()
    yield connection
    await transaction.rollback()
    await connection.close()


async def allowed(connection: asyncpg.Connection) -> set[tuple[str, str]]:
    """The transitions that the trigger's function lets through, on a copy of the table without its other guards."""
    await connection.execute(
        """
        CREATE TEMP TABLE attempted (LIKE dispatch INCLUDING DEFAULTS);
        CREATE TRIGGER guard BEFORE UPDATE ON attempted FOR EACH ROW EXECUTE FUNCTION guard_dispatch();
        """
    )
    found = set()
    for before, after in permutations(get_args(State), 2):
        await connection.execute("TRUNCATE attempted")
        await connection.execute(
            """
            INSERT INTO attempted (tenant_id, dispatch_id, draft_id, sha256, lead_id, kind, channel, address_hash,
                                   mailbox, cause_at, due_at, created_at, message_id, lease_until, state)
            VALUES ('t', gen_random_uuid(), gen_random_uuid(), '', gen_random_uuid(), 'first', 'email', '', '', now(),
                    now(), now(), '1@x', now(), $1)
            """,
            before,
        )
        try:
            async with connection.transaction():
                await connection.execute("UPDATE attempted SET state = $1", after)
        except asyncpg.IntegrityConstraintViolationError as error:
            assert str(error) == f"a dispatch does not go from {before} to {after}"
        else:
            found.add((before, after))
    return found


async def test_the_transitions_of_the_code_are_those_of_the_database(database):
    assert {(before, after) for before, states in TRANSITIONS.items() for after in states} == await allowed(database)


async def test_the_trigger_guards_every_change_of_a_dispatch(database):
    definition = await database.fetchval(
        "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = 'dispatch'::regclass AND tgname = $1",
        "dispatch_guard",
    )
    assert "BEFORE INSERT OR UPDATE" in definition and "guard_dispatch()" in definition


async def test_the_states_of_the_code_are_those_of_the_database(database):
    check = await database.fetchval(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'dispatch_state_check'"
    )
    assert sorted(part for part in check.split("'")[1::2]) == sorted(get_args(State)) == sorted(TRANSITIONS)


@pytest.mark.parametrize(("before", "after"), [("unknown", "queued"), ("sent", "failed"), ("queued", "sent")])
def test_a_forbidden_transition_is_refused_before_the_database_sees_it(before, after):
    with pytest.raises(ForbiddenTransition, match=f"from {before} to {after}"):
        check_transition(before, after)


async def test_a_changed_table_of_the_database_is_noticed(database):
    source = await database.fetchval("SELECT pg_get_functiondef('guard_dispatch'::regproc)")
    await database.execute(source.replace("('unknown', 'failed')", "('unknown', 'failed'), ('unknown', 'queued')"))
    assert ("unknown", "queued") in await allowed(database)
