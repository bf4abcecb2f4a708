"""A publisher that was restored from a backup, or started empty, counts on from an earlier revision.

Its events have ids and revisions that its readers know of others. `raise_revisions` lets the readers have the truth,
and what comes after it.
"""

import asyncio
import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from shared.errors import Conflict, Invalid
from shared.ids import revision_id
from shared.limits import REVISIONS_RAISED
from shared.messaging.republish import raise_revisions
from shared.testing.builders import ALead
from tests.integration.own_service import own_service


@pytest.fixture
def own(backend, start):
    """`async with own("stages") as service`: a service of its own, which will read what is published from now on."""

    def own(service):
        return own_service(backend, start, service)

    return own


async def row_of(run, tenant, lead, table="lead", key="lead_id"):
    """What a service stores of a lead."""
    async with run.database.worker() as work:
        found = await work.fetch_one(f"SELECT * FROM {table} WHERE tenant_id = :t AND {key} = :l", t=tenant, l=lead)
    assert found is not None, "not received yet"
    return dict(found)


async def test_what_people_do_after_a_restore_of_stages_reaches_goals_and_outreach(own, start, bus, tenant, eventually):
    goals, outreach = await start("goals"), await start("outreach")
    lead, began = ALead(bus, tenant), datetime.now(UTC)
    unmoved = ALead(bus, tenant)

    async def move(run, to, moved=lead, headers=None, **more):
        async def known():
            async with run.client(tenant, "reviewer") as api:
                return await api.put(f"/v1/leads/{moved.id}/stage", json={"stage": to, **more}, headers=headers)

        async def done():
            answer = await known()
            assert answer.status_code == 200, answer.text
            return True

        return await known() if headers else await eventually(done)  # stages has to receive the lead first

    async def both_know(stage, of=lead):
        async def know():
            rows = [await row_of(run, tenant, of.id) for run in (goals, outreach)]
            assert [row["stage"] for row in rows] == [stage, stage]
            return True

        await eventually(know)

    async with own("stages") as stages:
        await stages.rewind(began)
        run = await stages.start()
        lead.captured()
        unmoved.captured()
        await move(run, "contacted")
        await both_know("contacted")
        await stages.stop()
        await stages.back_up()
        run = await stages.start()
        await move(run, "qualified")
        await move(run, "engaged", unmoved)
        await both_know("qualified")
        await both_know("engaged", unmoved)
        await stages.stop()

        await stages.restore()
        await stages.rewind(began)
        run = await stages.start()
        await move(run, "lost", note="went elsewhere", disqualification_reason="went elsewhere")
        *_, ignored = await bus.read(
            "stage.changed", tenant=tenant, where=lambda seen: seen.lead_id == str(lead.id), count=3
        )
        assert ignored.id == revision_id("stage.changed", lead.id, 2), "another event had this id"

        assert await raise_revisions(run.database) >= 2
        await both_know("lost")
        await both_know("new", unmoved)
        assert (await move(run, "engaged", headers={"If-Match": '"2"'})).status_code == 412, "whoever saw the lost move"

        assert await raise_revisions(run.database) >= 2
        await move(run, "engaged")
        await both_know("engaged")
        seen = [each for each in bus.seen("stage.changed", tenant=tenant) if each.lead_id == str(lead.id)][3:]
        by = REVISIONS_RAISED
        assert [each.data["revision"] for each in seen] == [by + 2, 2 * by + 2, 2 * by + 3]
        assert [int(each.headers["ce_sequence"]) for each in seen] == [by + 3, 2 * by + 4, 2 * by + 5]
        assert [(each.data["from"], each.data["to"]) for each in seen] == [
            ("lost", "lost"),
            ("lost", "lost"),
            ("lost", "engaged"),
        ]
        async with goals.client(tenant) as api:
            pipeline = (await api.get("/v1/pipeline")).json()
        moves = {(move["from"], move["to"]): move["count"] for move in pipeline["moves"]}
        assert moves == {
            ("new", "contacted"): 1,
            ("contacted", "qualified"): 1,  # it happened, and people acted on it
            ("lost", "engaged"): 1,
            ("new", "engaged"): 1,
        }

        async with run.database.worker([tenant]) as work:
            await work.run("UPDATE lead SET revision = 985000 WHERE lead_id = :lead", lead=lead.id)
        with pytest.raises(Conflict, match="too near"):
            await raise_revisions(run.database)
        assert (await row_of(run, tenant, lead.id))["revision"] == 985_000


async def test_what_people_do_after_a_restore_of_capture_reaches_outreach(own, start, bus, tenant, eventually):
    outreach, began = await start("outreach"), datetime.now(UTC)

    async def edit(run, lead, **fields):
        async with run.client(tenant, "operator") as api:
            answer = await api.patch(f"/v1/leads/{lead}", json=fields, headers={"If-Match": "*"})
        assert answer.status_code == 200, answer.text
        return answer.json()["version"]

    async def outreach_knows(*, phone, consent, merged):
        async def knows():
            row = await row_of(outreach, tenant, kept)
            is_merged = not (await row_of(outreach, tenant, alias, "alias", "alias_id"))["undone"]
            assert (row["phone"], row["consent"]["email"], is_merged) == (phone, consent, merged)
            return True

        await eventually(knows)

    async with own("capture") as capture:
        await capture.rewind(began)
        run = await capture.start()
        async with run.client(tenant, "operator") as api:
            bodies = [{"source": "web", "email": f"{name}@x.example", "consent": {"email": "granted"}} for name in "ab"]
            kept, alias = [(await api.post("/v1/leads", json=body)).json()["lead_id"] for body in bodies]
            merge = (await api.post(f"/v1/leads/{kept}/merge", json={"alias_id": alias})).json()["merge_id"]
        await outreach_knows(phone=None, consent="granted", merged=True)
        await capture.stop()
        await capture.back_up()
        run = await capture.start()
        lost = await edit(run, kept, phone="+4915123456789")
        async with run.client(tenant, "operator") as api:
            assert (await api.post(f"/v1/merges/{merge}/undo")).is_success
        await outreach_knows(phone="+4915123456789", consent="granted", merged=False)
        await capture.stop()

        await capture.restore()
        await capture.rewind(began)
        run = await capture.start()
        assert await edit(run, kept, consent={"email": "denied"}) == lost, "the same version twice"
        assert await raise_revisions(run.database) >= 2
        await outreach_knows(phone=None, consent="denied", merged=True)
        assert await edit(run, kept, consent={"email": "granted"}) == lost + REVISIONS_RAISED + 1
        await outreach_knows(phone=None, consent="granted", merged=True)


async def leadflow(service, folder, *words):
    """What a command prints that runs as in a pod of the service: with its settings, and no local run."""
    settings = {key: value for key, value in os.environ.items() if not key.startswith("LEADFLOW_")}
    settings |= {"LEADFLOW_DATA": str(folder), f"LEADFLOW_{service.service.upper()}_DATABASE_URL": service.url}
    command = (sys.executable, "-m", "cli.main", *words)
    done = await asyncio.to_thread(subprocess.run, command, env=settings, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


async def test_the_scores_of_a_scoring_service_that_started_empty_reach_stages(
    own, start, bus, tenant, eventually, tmp_path
):
    stages = await start("stages")
    lead, began = ALead(bus, tenant), datetime.now(UTC)

    def visits(page):
        lead.publish("engagement.recorded", {"kind": "form", "page": page})
        bus.flush()

    async def score_of(run):
        row = await row_of(run, tenant, lead.id)
        return row["fit"] + row["intent"] + row["engagement"]

    async def stages_knows(run, *, more_than):
        async def knows():
            score = await score_of(run)
            assert score > more_than
            assert (await row_of(stages, tenant, lead.id))["score_total"] == score
            return score

        return await eventually(knows)

    async with own("scoring") as scoring:
        await scoring.rewind(began)
        run = await scoring.start()
        lead.captured()
        score = await stages_knows(run, more_than=0)
        visits("/pricing")
        score = await stages_knows(run, more_than=score)
        visits("/demo")
        score = await stages_knows(run, more_than=score)
        await scoring.stop()
        before = len(bus.seen("lead.scored", tenant=tenant))
        assert before >= 3

        await scoring.drop()
        await scoring.create()
        await scoring.rewind(began)
        run = await scoring.start()

        async def caught_up():
            return await score_of(run) == score

        await eventually(caught_up)
        visits("/contact")

        async def is_scored():
            return await score_of(run) > score

        await eventually(is_scored)
        await bus.read("lead.scored", tenant=tenant, count=before + 2)
        row = await row_of(run, tenant, lead.id)
        assert row["revision"] <= before, "stages knows events with these ids"
        said = await leadflow(scoring, tmp_path, "raise-revisions", "scoring")
        assert re.fullmatch(r"Raised the revisions of \d+ leads? by 10,000, and published their state.\n", said)
        score = await stages_knows(run, more_than=score)
        lead.publish("engagement.recorded", {"kind": "download", "page": "/whitepaper"})
        await stages_knows(run, more_than=score)


async def test_the_facts_of_an_enrichment_that_started_empty_reach_outreach(own, start, bus, tenant, eventually):
    outreach = await start("outreach")
    lead, began = ALead(bus, tenant), datetime.now(UTC)

    async def outreach_knows(run, **expected):
        async def knows():
            for service in (run, outreach):
                facts = (await row_of(service, tenant, lead.id))["facts"]
                assert {name: fact["value"] for name, fact in facts.items() if name in expected} == expected
            return True

        await eventually(knows)

    async with own("enrichment") as enrichment:
        await enrichment.rewind(began)
        run = await enrichment.start()
        lead.captured(job_title="Head of Sales")
        await outreach_knows(run, seniority="head", department="sales")
        await enrichment.stop()

        await enrichment.drop()
        await enrichment.create()
        await enrichment.rewind(datetime.now(UTC))
        run = await enrichment.start()
        at = datetime.now(UTC) - timedelta(seconds=1)
        lead.updated(["job_title"], time=at, job_title="Head of Marketing")
        await bus.read("lead.enriched", tenant=tenant, count=2)
        assert (await row_of(run, tenant, lead.id))["revision"] == 1
        assert await raise_revisions(run.database) >= 1
        await outreach_knows(run, seniority="head", department="marketing")
        lead.updated(["job_title"], job_title="Head of Sales")
        await outreach_knows(run, seniority="head", department="sales")


async def test_a_service_without_revisions_says_so(start):
    goals = await start("goals")
    with pytest.raises(Invalid, match="goals publishes no state"):
        await raise_revisions(goals.database)
    outreach = await start("outreach")
    with pytest.raises(Invalid, match="the events of outreach have no revisions"):
        await raise_revisions(outreach.database)
