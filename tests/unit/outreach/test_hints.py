"""A reviewer's hints to the templates: what is understood, what it changes, and what is refused with the reason."""

import pytest

from services.outreach.drafts.composer import ComposerTask, Fact, template
from services.outreach.drafts.composer.hints import Hints, read_hints
from services.outreach.drafts.strategies import BUILT_IN
from services.outreach.rules import CHANNELS
from tests.unit.outreach.test_drafts import NOW, a_strategy, some_facts

FACTS = some_facts(first_name="Ada", last_name="King", company="Analytical Ltd", industry="engines", job_title="Head")
ALL = sorted(BUILT_IN)


def written(instruction: str | None = None, kind: str = "first", stage: str = "new", channel: str = "email", **more):
    facts = more.pop("facts", FACTS)
    strategy = more.pop("strategy", BUILT_IN[kind, stage])
    return template.write(ComposerTask(kind, channel, strategy, facts, "Sales", instruction=instruction, **more))


@pytest.mark.parametrize(
    ("instruction", "hints"),
    [
        ("shorter", Hints(length=-1)),
        ("Please make it much shorter. Thanks!", Hints(length=-1)),
        ("too long", Hints(length=-1)),
        ("too short", Hints(length=1)),
        ("a bit longer, and more formal", Hints(length=1, tone="formal")),
        ("less formal", Hints(tone="informal")),
        ("too informal", Hints(tone="formal")),
        ("informal & brief", Hints(length=-1, tone="informal")),
        ("add more details", Hints(length=1)),
        ("mention their industry", Hints(mention=("industry",))),
        ("mention the industry they work in and the company", Hints(mention=("industry", "company"))),
        ("Refer to engines", Hints(mention=("industry",))),
        ("mention job title; shorter", Hints(length=-1, mention=("job_title",))),
    ],
)
def test_a_hint_is_read_as_people_write_it(instruction, hints):
    read = read_hints(instruction, FACTS)
    assert (read.hints, read.not_followed) == (hints, [])


@pytest.mark.parametrize(
    ("instruction", "because"),
    [
        ("write it as a poem", "the templates cannot follow 'write it as a poem'"),
        ("don't mention the company", "cannot follow"),
        ("not shorter", "cannot follow"),
        ("mention their budget", "nothing is known that could be mentioned as 'budget'"),
        ("mention the campaign", "nothing is known"),
    ],
)
def test_what_cannot_be_followed_is_said_and_changes_nothing(instruction, because):
    text = written(instruction, facts={**FACTS, **some_facts(campaign="spring")})
    assert because in text.made_from["not_followed"][0]
    assert text.body == written().body


def test_a_hint_that_is_understood_counts_beside_one_that_is_not():
    text = written("shorter, and with a joke")
    assert len(text.body) < len(written().body)
    assert len(text.made_from["not_followed"]) == 1


@pytest.mark.parametrize(("kind", "stage"), ALL)
def test_shorter_again_and_again_keeps_what_asks_for_an_answer(kind, stage):
    lengths = [len(written(None, kind, stage).body)]
    text = written("shorter", kind, stage)
    while not text.made_from.get("not_followed"):
        lengths.append(len(text.body))
        text = written("shorter", kind, stage, earlier_hints=text.made_from["hints"])
    assert len(lengths) > 1 and lengths == sorted(set(lengths), reverse=True), lengths
    assert "?" in text.body or "please" in text.body.lower()
    assert text.body.startswith("Hi Ada,") and text.body.endswith("Sales\n")


@pytest.mark.parametrize(("kind", "stage"), ALL)
@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("facts", [FACTS, {}], ids=["known", "unknown"])
def test_a_longer_text_states_nothing_that_is_not_known(kind, stage, channel, facts):
    text = written("longer", kind, stage, channel, facts=facts)
    assert len(text.body) > len(written(None, kind, stage, channel, facts=facts).body)
    assert not [claim for claim in text.claims if claim.get("unsupported")], text.claims
    assert (channel == "sms") == text.body.endswith("Reply STOP to opt out.")


@pytest.mark.parametrize(("kind", "stage"), ALL)
@pytest.mark.parametrize("channel", CHANNELS)
def test_a_formal_and_an_informal_text_greet_and_close_so(kind, stage, channel):
    formal, informal = (written(tone, kind, stage, channel).body for tone in ("formal", "informal"))
    assert "Hi" not in formal.split() and "'m" not in formal
    if channel == "email":
        assert formal.startswith("Dear Ada King,\n") and formal.endswith("Yours sincerely\nSales\n")
        assert informal.startswith("Hi Ada,\n") and informal.endswith("Cheers\nSales\n")
    else:
        assert formal.startswith("Dear Ada King, ") and informal.startswith("Hi Ada, ")


def test_nobody_without_a_name_is_greeted_by_none():
    assert written("formal", facts={}).body.startswith("Dear Sir or Madam,\n")
    assert written("informal", facts={}).body.startswith("Hi,\n")


def test_a_mentioned_fact_is_in_the_text_and_supported():
    text = written("mention job title", facts={**FACTS, "employees": Fact("fact", "employees", "50", "web", NOW)})
    assert "your role (Head)" in text.body
    more = written("mention the headcount", facts={"employees": Fact("fact", "employees", "50", "web", NOW)})
    assert [claim["fact"] for claim in more.claims if "50 people" in claim["sentence"]] == ["employees"]
    assert not [claim for claim in more.claims if claim.get("unsupported")]
    assert written("mention the company").body == written().body, "it is in the text already"


def test_what_was_asked_of_an_earlier_version_still_holds():
    first = written("formal, shorter")
    second = written("mention job title", earlier_hints=first.made_from["hints"])
    assert second.body.startswith("Dear Ada King,") and "your role" in second.body
    assert second.made_from["hints"] == {"length": -1, "tone": "formal", "mention": ["job_title"]}


def test_a_text_that_cannot_become_shorter_becomes_longer_with_the_next_hint():
    shortest = written("shorter, shorter", channel="sms")
    assert shortest.made_from["not_followed"] == ["the text is as short as its template allows"]
    longer = written("longer", channel="sms", earlier_hints=shortest.made_from["hints"])
    assert len(longer.body) > len(shortest.body)


def test_a_tenants_template_in_another_language_is_shortened_and_its_tone_is_left_alone():
    strategy = a_strategy(body="Guten Tag,\n\nwir freuen uns. Sie kennen uns. Wann passt es Ihnen?\n\nIhr Team")
    assert (
        written("shorter", strategy=strategy).body == "Guten Tag,\n\nwir freuen uns. Wann passt es Ihnen?\n\nIhr Team\n"
    )
    assert written("formal", strategy=strategy).made_from["not_followed"] == [
        "the text has nothing that could be made formal"
    ]
