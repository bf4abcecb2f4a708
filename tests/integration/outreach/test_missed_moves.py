"""A `stage.changed` with `from` = `to` that names another stage than is known: a move was not received.

So the stage service publishes the stages of all leads again after it was restored.
"""

from tests.integration.outreach.sequence_steps import enrolled, enrolment, text, written


async def stated(office, tenant, lead, stage, *, rule="manual", **more):
    """The stage service states the lead's stage."""
    return await office.moved(tenant, lead, stage, revision=10_001, from_=stage, rule=rule, corrects=[], **more)


async def stage_of(office, tenant, lead):
    async with office.database.worker() as work:
        return await work.fetch_one(
            "SELECT stage, stage_rule FROM lead WHERE tenant_id = :t AND lead_id = :l", t=tenant, l=lead
        )


async def test_an_enrolment_ends_where_the_stage_says_so(office, tenant):
    sequence = await written(office, tenant, text())
    lead = await office.captured(tenant)
    await office.moved(tenant, lead, "contacted")
    of = await enrolled(office, tenant, sequence, lead)
    await stated(office, tenant, lead, "lost")
    assert (await enrolment(office, tenant, of))["state"] == "exited"


async def test_a_lead_that_is_where_it_was_known_to_be_starts_nothing(office, tenant):
    lead = await office.captured(tenant)
    await office.moved(tenant, lead, "qualified", rule="checklist")
    await office.compose()
    draft = await drafts_of(office, tenant, lead)
    assert len(draft) == 1
    await stated(office, tenant, lead, "qualified", rule="checklist")
    assert await office.compose() == 0
    assert await drafts_of(office, tenant, lead) == draft


async def test_a_lead_that_became_qualified_meanwhile_gets_its_follow_up(office, tenant):
    lead = await office.captured(tenant)
    await stated(office, tenant, lead, "qualified", rule="checklist")
    assert dict(await stage_of(office, tenant, lead)) == {"stage": "qualified", "stage_rule": "checklist"}
    await office.compose()
    (draft,) = await drafts_of(office, tenant, lead)
    assert draft["kind"] == "follow_up"


async def drafts_of(office, tenant, lead):
    async with office.client(tenant, "viewer") as http:
        return (await http.get("/v1/drafts", params={"lead_id": str(lead)})).json()["items"]
