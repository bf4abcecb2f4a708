"""A goals service that never read the topics is built from what capture and the stage service republish.

Both services are real here. What is compared is complete: every event that belongs to it was sent and recorded before.
"""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from shared.events.readers import READS
from shared.messaging.connection import Kafka
from shared.messaging.republish import pages_of, republish
from shared.messaging.rewind import rewind
from shared.names import group_of
from tests.integration.goals.goal_values import goal_values
from tests.integration.topics import end_offsets

BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
FAIR = {"filter": {"source": "fair"}}
GOALS = [
    {"metric": "qualified_created", **FAIR},
    {"metric": "first_qualified", **FAIR},
    {"metric": "won", **FAIR},
    {"metric": "meetings_held", "period": "quarter", **FAIR},
    {"metric": "first_qualified", "filter": {"source": "web"}},
]
"""Those of the leads from the fair, and one that counts a lead that will be erased."""
ERASED = len(GOALS) - 1


def topics(service):
    return [event.type for event in READS[service]]


@pytest.fixture
async def unread(backend):
    """How many records a service's consumer group has not processed: offsets are committed after the transaction."""
    admin = AIOKafkaAdminClient(bootstrap_servers=backend.bootstrap)
    await admin.start()

    async def unread(service, group):
        ends = await end_offsets(backend.bootstrap, topics(service))
        committed = await admin.list_consumer_group_offsets(group)
        return sum(end - max(0, committed[part].offset if part in committed else 0) for part, end in ends.items())

    yield unread
    await admin.close()


@pytest.fixture
def complete(eventually, unread):
    """Wait, in the order of the pipeline, until outboxes are empty and (service, group) have no unread records."""

    async def complete(*parts):
        for part in parts:

            async def nothing_waits(part=part):
                if isinstance(part, tuple):
                    return await unread(*part) == 0
                async with part.database.worker() as work:
                    return await work.fetch_one("SELECT 1 FROM outbox LIMIT 1") is None

            await eventually(nothing_waits, within=60)

    return complete


async def start_from_now(start, backend, service):
    """A service of this module: it reads what is published from now on, and is stopped with the module."""
    group = f"{service}-{uuid4().hex[:8]}"
    await rewind(Kafka(backend.bootstrap), group, topics(service), datetime.now(UTC))
    return await start(service, consumer_group=group)


@pytest.fixture
async def capture(start, backend):
    return await start_from_now(start, backend, "capture")


@pytest.fixture
async def stages(start, backend):
    return await start_from_now(start, backend, "stages")


async def make_leads(capture, stages, tenant, eventually):
    """Six leads with all that goals count: won, corrected by hand, met, merged, erased, and one that stays new."""
    leads = {}
    async with capture.client(tenant, "operator") as api, stages.client(tenant, "reviewer") as moves:

        async def move(name, to, **more):
            async def moved():
                answer = await moves.put(f"/v1/leads/{leads[name]}/stage", json={"stage": to, **more})
                assert answer.status_code == 200, answer.text
                return True

            await eventually(moved)  # the stage service has to receive the lead first

        for name in ("won", "dead", "kept", "alias", "erased", "new"):
            body = {"source": "web" if name == "erased" else "fair", "email": f"{name}@{tenant}.example"}
            answer = await api.post("/v1/leads", json=body)
            assert answer.status_code == 201, answer.text
            leads[name] = answer.json()["lead_id"]
        for name in ("won", "dead", "kept", "alias", "erased"):
            await move(name, "qualified", note="by hand")
        await move("won", "won", note="signed")
        await move("dead", "dead", note="a misunderstanding", disqualification_reason="no budget")
        now = datetime.now(UTC)
        meeting = {"starts_at": (now - timedelta(seconds=2)).isoformat(), "ends_at": now.isoformat()}
        assert (await moves.post(f"/v1/leads/{leads['kept']}/meetings", json=meeting)).status_code == 201
        merge = await api.post(f"/v1/leads/{leads['kept']}/merge", json={"alias_id": leads["alias"]})
        assert merge.status_code in (200, 201), merge.text
        assert (await api.delete(f"/v1/leads/{leads['erased']}")).status_code in (200, 202, 204)


async def test_an_empty_service_counts_the_same_from_what_the_others_republish(
    backend, goals, own_goals, capture, stages, tenant, eventually, complete
):
    """As an operator does it when the topics no longer hold the beginning."""
    counted = ("goals", group_of("goals"))
    rebuilt_from = ("goals", own_goals.name)
    await goal_values(goals, tenant, GOALS)
    await make_leads(capture, stages, tenant, eventually)
    await complete(capture, ("stages", stages.service.consumer.group), stages, counted)
    before = await goal_values(goals, tenant, GOALS)
    assert [value for _, _, value in before[0]] == [1, 3, 1, 1, 1]
    assert before[2] == {"new": 1, "won": 1, "dead": 1, "meeting_completed": 1}

    await rewind(Kafka(backend.bootstrap), own_goals.name, topics("goals"), datetime.now(UTC))
    rebuilt = await own_goals.start()
    for publisher in (capture, stages):
        await republish(publisher.database, sorted(pages_of(publisher.database.service)), tenant, BEGINNING)
        # Erasures are recorded before the stages: of an erased lead nothing is rebuilt.
        await complete(publisher, rebuilt_from, counted)

    async def read_in_the_same_period():
        """Both services, while the periods of the goals did not change."""
        now, of_rebuilt = await goal_values(goals, tenant, GOALS), await goal_values(rebuilt, tenant, GOALS)
        return (now, of_rebuilt) if await goal_values(goals, tenant, GOALS) == now else None

    now, (values, reports, counts) = await eventually(read_in_the_same_period)
    assert now == before, "repeated events change nothing"
    assert values[:ERASED] == before[0][:ERASED]
    assert values[ERASED][2] == 0, "counts of erased people are not rebuilt"
    assert (reports, counts) == before[1:]
