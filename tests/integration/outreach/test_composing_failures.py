"""Drafts that cannot be written, or whose facts change meanwhile: nobody waits for them, and nobody tries for ever."""

import pytest

from services.outreach.drafts.composer import language_model
from services.outreach.drafts.use_cases import composition
from services.outreach.drafts.use_cases.composer import Composer
from services.outreach.drafts.workers import AGAIN_AFTER, MOST_ATTEMPTS
from services.outreach.gateways import Answer
from tests.integration.outreach.test_composing import drafts


class Answering:
    """A language model that answers the same each time. `meanwhile` is called before each answer."""

    model = "small"

    def __init__(self, text: str, meanwhile=None) -> None:
        self.text, self.meanwhile, self.asked = text, meanwhile, 0

    async def ask(self, messages) -> Answer:
        self.asked += 1
        if self.meanwhile:
            await self.meanwhile(self.asked)
        return Answer(self.text, 10)


async def asked_for(office, tenant, **details):
    """A lead for which a first draft was asked."""
    lead = await office.captured(tenant, **details)
    async with office.client(tenant, "reviewer") as http:
        answer = await http.post("/v1/drafts", json={"lead_id": str(lead), "kind": "first"})
    assert answer.status_code == 202, answer.text
    return lead, answer.json()["draft_id"]


async def test_an_answer_with_which_our_reading_fails_is_replaced_by_the_templates(office, tenant, monkeypatch):
    def fails(*_):
        raise TypeError("unhashable type: 'list'")

    monkeypatch.setattr(language_model, "text_from", fails)
    await asked_for(office, tenant)
    model = Answering("{}")
    await office.compose(Composer(model, 10_000))
    (draft,) = await drafts(office, tenant)
    assert draft["made_from"]["composer"] == "template"
    assert draft["made_from"]["fell_back"] == "the answer could not be read: TypeError"
    assert model.asked == 2


@pytest.mark.parametrize("where", ["prepare", "save"])
async def test_a_draft_that_fails_keeps_no_other_waiting_and_is_given_up(office, tenant, monkeypatch, where):
    bad, bad_draft = await asked_for(office, tenant)
    step = getattr(composition, where)

    async def fails(work, given, *rest):
        request = given if where == "prepare" else given.request
        if request.lead_id == bad:
            raise KeyError("a defect")
        return await step(work, given, *rest)

    monkeypatch.setattr(composition, where, fails)
    await asked_for(office, tenant)
    await office.compose()
    assert len(await drafts(office, tenant)) == 1
    for _ in range(MOST_ATTEMPTS - 1):
        assert await office.compose() == 0, "it is not due at once again"
        office.advance(seconds=AGAIN_AFTER.total_seconds() + 1)
        assert await office.compose() == 1
    office.advance(days=1)
    assert await office.compose() == 0
    async with office.client(tenant, "viewer") as http:
        gone = await http.get(f"/v1/drafts/{bad_draft}")
    assert (gone.status_code, gone.json()["detail"]) == (
        404,
        "the draft was not written: it was tried 5 times; the last time: an error (KeyError)",
    )


async def test_a_fact_that_changes_while_the_model_writes_has_the_text_written_again(office, tenant):
    lead, _ = await asked_for(office, tenant, email="ada@example.com", company="Analytical Ltd")

    async def change(asked: int) -> None:
        model.text = model.text.replace("Analytical", "Difference") if asked > 1 else model.text
        await office.updated(tenant, lead, 2, email="ada@example.com", company="Difference Ltd")

    model = Answering('{"subject": "Tea", "body": "Is tea made at Analytical Ltd?"}', change)
    await office.compose(Composer(model, 10_000))
    assert await drafts(office, tenant) == []
    await office.compose(Composer(model, 10_000))
    (draft,) = await drafts(office, tenant)
    assert (draft["body"], model.asked) == ("Is tea made at Difference Ltd?\n", 2)


async def test_facts_that_change_each_time_do_not_have_it_written_for_ever(office, tenant):
    lead, draft_id = await asked_for(office, tenant, email="ada@example.com", company="Company 0")

    async def change(asked: int) -> None:
        model.text = f'{{"subject": "Tea", "body": "Is tea made at Company {asked - 1}?"}}'
        await office.updated(tenant, lead, asked + 1, email="ada@example.com", company=f"Company {asked}")

    model = Answering("", change)
    for _ in range(MOST_ATTEMPTS):
        assert await office.compose(Composer(model, 10_000)) == 1
    assert (await office.compose(Composer(model, 10_000)), model.asked) == (0, MOST_ATTEMPTS)
    async with office.client(tenant, "viewer") as http:
        gone = (await http.get(f"/v1/drafts/{draft_id}")).json()["detail"]
    assert "company, which the text cites, has changed" in gone


async def test_a_fact_that_is_cleared_supersedes_the_draft_that_cites_it(office, tenant):
    lead, _ = await asked_for(office, tenant, email="ada@example.com", company="Analytical Ltd")
    await office.compose()
    (draft,) = await drafts(office, tenant, state="pending")
    assert "Analytical Ltd" in draft["body"] + draft["subject"]
    await office.updated(tenant, lead, 2, email="ada@example.com", first_name="Ada")
    await office.compose()
    (gone,) = await drafts(office, tenant, state="superseded")
    (fresh,) = await drafts(office, tenant, state="pending")
    assert gone["reason"] == "company, which the text cites, is not known any more"
    assert "Analytical" not in fresh["body"] + fresh["subject"]
