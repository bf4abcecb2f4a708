"""A language model labels what rules and reply model left to humans; where it fails the human stays."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from services.outreach.gateways import Answer, ModelUnavailable
from services.outreach.replies.use_cases import rereading
from services.outreach.replies.use_cases.asking import LabelAsker
from tests.integration.outreach.test_opt_outs import label, reply, suppressions, why_not
from tests.integration.outreach.test_replies import replies

UNCLEAR = "?! ... ?!"
"""No words: the rules always leave it to a human."""


@dataclass
class Model:
    """A language model with one answer; `meanwhile` happens while it thinks."""

    answer: object = None
    asked: list[list[dict[str, str]]] = field(default_factory=list)
    meanwhile: object = None

    async def ask(self, messages: list[dict[str, str]]) -> Answer:
        self.asked.append(messages)
        if self.meanwhile is not None:
            await self.meanwhile()  # type: ignore[operator]
        if self.answer is None:
            raise ModelUnavailable("TimeoutError")
        return Answer(self.answer if isinstance(self.answer, str) else json.dumps(self.answer), 10)


def asker(office, model: Model, tokens: int = 1_000) -> LabelAsker:
    return LabelAsker(office.context, model, tokens)


async def only(office, tenant) -> dict:
    (found,) = await replies(office, tenant)
    return found


async def test_the_answer_is_the_label_and_is_published_again(office, tenant, reached, bus):
    _, mail, _ = reached
    await reply(office, tenant, mail, UNCLEAR)
    assert (await only(office, tenant))["needs_human"]
    await asker(office, Model({"label": "later", "sentence": "?! ..."})).step(office.database)
    found = await only(office, tenant)
    assert (found["label"], found["method"], found["needs_human"]) == ("later", "language_model", False)
    assert [each["actor"] for each in found["history"]] == ["system:reply-rules", "agent:language-model"]
    events = await bus.read("reply.received", tenant=tenant, count=2)
    assert [event.data["label"] for event in events] == ["other", "later"]
    assert {event.data["reply_id"] for event in events} == {found["reply_id"]}


@pytest.mark.parametrize(
    "answer", [None, "I think it is spam", {"label": "won"}, {"label": "opt_out", "sentence": "Stop"}]
)
async def test_no_usable_answer_leaves_the_reply_to_a_human(office, tenant, reached, answer):
    _, mail, _ = reached
    await reply(office, tenant, mail, UNCLEAR)
    model = Model(answer)
    for _ in range(3):
        await asker(office, model).step(office.database)
        office.advance(minutes=3)
    found = await only(office, tenant)
    assert (found["label"], found["needs_human"]) == ("other", True)
    assert len(model.asked) == (2 if answer is None else 1)
    assert await suppressions(office, tenant) == []


async def test_an_opt_out_that_the_model_finds_suppresses(office, tenant, reached):
    _, mail, _ = reached
    await reply(office, tenant, mail, UNCLEAR)
    await asker(office, Model({"label": "opt_out", "sentence": "... ?!"})).step(office.database)
    assert (await only(office, tenant))["label"] == "opt_out"
    assert {row["actor"] for row in await suppressions(office, tenant)} == {"agent:language-model"}


async def test_a_human_who_was_quicker_is_not_overruled(office, tenant, reached):
    _, mail, _ = reached
    reply_id = await reply(office, tenant, mail, UNCLEAR)
    model = Model({"label": "interested"}, meanwhile=lambda: label(office, tenant, reply_id, "opt_out"))
    await asker(office, model).step(office.database)
    found = await only(office, tenant)
    assert (found["label"], found["method"]) == ("opt_out", "human")
    assert await suppressions(office, tenant)


async def test_what_has_a_label_is_not_asked_about(office, tenant, reached):
    _, mail, _ = reached
    await reply(office, tenant, mail, "Please take me off your list.")
    model = Model({"label": "interested"})
    await asker(office, model).step(office.database)
    assert model.asked == []
    assert (await only(office, tenant))["label"] == "opt_out"


async def test_a_tenant_without_tokens_asks_nobody(office, tenant, reached):
    _, mail, _ = reached
    await reply(office, tenant, mail, UNCLEAR)
    model = Model({"label": "later"})
    await asker(office, model, tokens=0).step(office.database)
    assert model.asked == []


async def test_reading_again_takes_no_label_back_while_the_rules_leave_it_to_others(office, tenant, reached, bus):
    _, mail, _ = reached
    await reply(office, tenant, mail, UNCLEAR)
    await asker(office, Model({"label": "later", "sentence": "?! ..."})).step(office.database)
    reader = office.run.app.state.mails.reader
    settings = (office.context.keys, "leadflow.example", tenant, datetime(2020, 1, 1, tzinfo=UTC))
    result = await rereading.reread(office.database, reader, *settings)
    assert (result.read, result.changed, result.kept) == (1, 0, 0)
    found = await only(office, tenant)
    assert (found["label"], found["method"]) == ("later", "language_model")


async def test_a_wrong_address_that_the_model_finds_is_closed(office, tenant, reached, bus):
    lead, mail, _ = reached
    said = "Wrong e-mail address, there is no Ann here."
    await reply(office, tenant, mail, said)
    assert (await only(office, tenant))["needs_human"]
    await asker(office, Model({"label": "wrong_person", "sentence": said})).step(office.database)
    *_, last = await bus.read("reply.received", tenant=tenant, count=2)
    assert (last.data["label"], last.data["wrong_address"]) == ("wrong_person", True)
    assert await why_not(office, tenant, lead) == "the email address does not work"
