"""Which drafts are requested automatically, what supersedes them, and how they are written."""

from datetime import UTC, datetime, timedelta

import pytest

from services.outreach.drafts import rules
from services.outreach.drafts.composer import ComposerTask, Fact, template
from services.outreach.drafts.composer.claims import check_claims, sentences
from services.outreach.drafts.composer.strategy_check import check_strategy
from services.outreach.drafts.strategies import BUILT_IN, Strategy
from services.outreach.drafts.use_cases.composer import from_template
from services.outreach.rules import KIND_STAGES, stage_for
from shared.errors import Invalid

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)


def some_facts(**values: str) -> dict[str, Fact]:
    return {
        name: Fact("fact" if name == "industry" else "field", name, value, "web", NOW) for name, value in values.items()
    }


FACTS = some_facts(first_name="Ada", company="Analytical Ltd", industry="engines")


def a_task(
    kind: str = "first", stage: str = "new", channel: str = "email", facts=FACTS, strategy=None, **more
) -> ComposerTask:
    return ComposerTask(kind, channel, strategy or BUILT_IN[kind, stage], facts, "Sales", **more)


def a_pending(**changes) -> rules.PendingDraft:
    cause = {"cause": "stage", "cause_id": "e1", "cause_at": NOW}
    return rules.PendingDraft(**{"kind": "first", "channel": "email", "to": "a@b.c", **cause, **changes})


def test_every_kind_has_a_strategy_for_every_stage_in_which_it_makes_sense():
    wanted = {(kind, stage) for kind, stages in KIND_STAGES.items() if kind != "sequence" for stage in stages}
    assert set(BUILT_IN) == wanted


@pytest.mark.parametrize(("kind", "stage"), sorted(BUILT_IN))
@pytest.mark.parametrize("channel", ["email", "sms"])
@pytest.mark.parametrize("facts", [FACTS, {}], ids=["known", "unknown"])
def test_the_templates_write_for_each_stage_and_kind(kind, stage, channel, facts):
    text = template.write(a_task(kind, stage, channel, facts, label="question", reply_subject="Re: hi"))
    assert text.body.strip()
    assert "{{" not in text.body and "None" not in text.body
    assert (text.subject is None) == (channel == "sms")
    assert not [claim for claim in text.claims if claim.get("unsupported")], text.claims


@pytest.mark.parametrize(("kind", "stage"), sorted(BUILT_IN))
@pytest.mark.parametrize("channel", ["email", "sms"])
@pytest.mark.parametrize("facts", [FACTS, {}], ids=["known", "unknown"])
@pytest.mark.parametrize("label", [None, "question", "meeting_request"])
def test_every_sentence_of_a_built_in_text_begins_with_a_capital(kind, stage, channel, facts, label):
    text = template.write(a_task(kind, stage, channel, facts, label=label))
    assert [sentence for sentence in sentences(text.body) if not sentence[0].isupper()] == []


def test_a_built_in_text_never_names_the_campaign():
    facts = some_facts(campaign="spring-retargeting")
    texts = [template.write(a_task(kind, stage, facts=facts)) for kind, stage in BUILT_IN]
    assert [text for text in texts if "spring" in f"{text.subject} {text.body}"] == []


def test_a_template_claim_points_to_its_fact_with_source_and_date():
    claims = {claim.get("fact"): claim for claim in template.write(a_task()).claims}
    assert claims["industry"]["value"] == "engines"
    assert claims["industry"]["source"] == "web"
    assert "engines" in claims["industry"]["sentence"]


@pytest.mark.parametrize(
    "source",
    [
        "{% for x in range(9) %}{% endfor %}",
        "{{ company.__class__ }}",
        "{{ company.upper() }}",
        "{{ cycler() }}",
        "{{ company|pprint }}",
        "{% include 'x' %}",
        "{% set a = 1 %}",
        "{{ 9 ** 99999999 }}",
        "{{ company['x'] }}",
        "{{ company|replace('a', 'aaaa') }}",
        "{{ " + "(" * 9_000,
        "{{ company",
        "x" * 20_001,
    ],
)
def test_a_template_neither_runs_for_long_nor_reaches_other_objects(source):
    with pytest.raises(Invalid):
        template.check_template(source, "body")


def a_strategy(**parts: str) -> Strategy:
    return Strategy("first", "new", 1, "a", "t", "l", "c", (), {"email": {"subject": "s", "body": "b", **parts}})


@pytest.mark.parametrize(
    "body",
    [
        "{% if employees > 100 %}Big.{% endif %}",
        "{{ company|truncate('x') }}",
        "{% if company is divisibleby 2 %}x{% endif %}",
        "{{ company|first|default(1, 2, 3) }}",
        "{{ company }}." * 1_500,
    ],
)
@pytest.mark.parametrize("facts", [some_facts(company="A" * 100, employees="120"), {}], ids=["known", "unknown"])
def test_a_template_that_fails_on_a_lead_is_replaced_by_the_built_in_one(body, facts):
    strategy = a_strategy(body=body)
    try:
        text = template.write(a_task(facts=facts, strategy=strategy))
    except Invalid as error:
        assert "template" in error.detail
    else:
        assert len(text.body) <= 50_000
    text = from_template(a_task(facts=facts, strategy=strategy))
    assert text.body.strip()


def test_a_draft_records_that_the_tenants_template_failed():
    text = from_template(a_task(strategy=a_strategy(body="{% if company > 1 %}x{% endif %}")))
    assert text.made_from["strategy"] == "first/new@0"
    assert "the template cannot be filled in" in text.made_from["fell_back"]


@pytest.mark.parametrize(
    ("body", "because"),
    [
        ("{% if employees > 100 %}Big.{% endif %}", "not supported between"),
        ("{% if company %}fine{% else %}{{ company|truncate('x') }}{% endif %}", "cannot be filled in"),
        ("{{ company is nosuchtest }}", "nosuchtest"),
    ],
)
def test_a_strategy_is_checked_before_it_is_saved(body, because):
    with pytest.raises(Invalid) as refused:
        check_strategy(a_strategy(body=body))
    assert refused.value.errors[0]["field"] == "templates.email"
    assert because in str(refused.value.errors)


@pytest.mark.parametrize("strategy", BUILT_IN.values(), ids=lambda each: each.name)
def test_the_built_in_strategies_pass_their_own_check(strategy):
    check_strategy(strategy)


def test_values_of_a_lead_are_never_run_as_a_template():
    facts = some_facts(first_name="{{ 7 * 7 }}{% for x in range(9) %}", company="A\nBcc: x\ue000first_name\ue001")
    text = template.write(a_task(facts=facts))
    assert "{{ 7 * 7 }}" in text.body
    assert "A Bcc: xfirst_name" in text.body


def test_a_claim_without_a_fact_is_marked():
    rows = check_claims("We raised sales by 40%. You work in engines. See you.", [], FACTS)
    assert [(row.get("fact"), row.get("unsupported", False)) for row in rows] == [(None, True), ("industry", False)]


def test_a_citation_counts_only_where_the_sentence_contains_the_value():
    rows = check_claims("Your firm has 500 people.", [("Your firm has 500 people.", FACTS["industry"])], FACTS)
    assert rows[0]["unsupported"]
    assert sentences("A b. C d?\nE") == ["A b.", "C d?", "E"]


def test_qualified_and_revived_request_a_follow_up_automatically():
    assert rules.kind_for_stage_change("engaged", "qualified", "checklist") == "follow_up"
    assert rules.kind_for_stage_change("exhausted", "contacted", "revived") == "follow_up"
    assert rules.kind_for_stage_change("new", "contacted", "first-message") is None
    assert rules.kind_for_stage_change("qualified", "qualified", "checklist") is None


def test_a_stage_in_which_its_kind_makes_no_sense_supersedes_a_draft():
    assert rules.superseded_by_stage(a_pending(), "contacted", "first-message", NOW, None)
    assert rules.superseded_by_stage(a_pending(), "new", None, None, None) is None
    assert rules.superseded_by_stage(a_pending(kind="answer"), "engaged", "reply", NOW, None) is None


def test_its_own_cause_and_what_that_brought_about_never_supersede_a_draft():
    assert rules.superseded_by_stage(a_pending(cause_id="e7"), "contacted", "first-message", NOW, "e7") is None
    assert rules.superseded_by_reply(a_pending(cause_id="r1"), NOW + timedelta(hours=1), "r1", "question") is None


def test_a_newer_reply_and_a_changed_address_supersede_a_draft():
    assert rules.superseded_by_reply(a_pending(), NOW + timedelta(seconds=1), "r2", "other")
    assert rules.superseded_by_reply(a_pending(), NOW - timedelta(seconds=1), "r2", "other") is None
    assert rules.superseded_by_address(a_pending(), {"email": "new@b.c"})
    assert rules.superseded_by_address(a_pending(), {"email": "a@b.c"}) is None


def test_only_a_changed_fact_that_the_text_cites_supersedes_a_draft():
    claims = [{"sentence": "s", "fact": "industry", "value": "engines"}, {"sentence": "t", "fact": None, "value": "x"}]
    assert rules.superseded_by_facts(claims, {"industry": "mills"})
    assert rules.superseded_by_facts(claims, {"industry": "engines", "employees": "9"}) is None
    assert "not known any more" in (rules.superseded_by_facts(claims, {"employees": "9"}) or "")
    assert rules.superseded_by_facts(claims, {}), "a lead of which nothing is known any more"
    assert rules.superseded_by_facts([], {}) is None


def test_email_is_preferred_to_sms_unless_the_lead_wrote_by_sms():
    channels = {
        "email": rules.LeadChannel("email", "a@b.c", "valid", "unknown", None),
        "sms": rules.LeadChannel("sms", "+49", "valid", "granted", None),
    }
    assert rules.choose_channel("blended", channels, ["email"]) == ("email", "")
    assert rules.choose_channel("blended", channels, ["email"], "sms") == ("sms", "")
    assert rules.choose_channel("sms_only", channels, ["email"]) == ("sms", "")
    gone = {**channels, "email": rules.LeadChannel("email", "a@b.c", "invalid", "unknown", None)}
    assert rules.choose_channel("blended", gone, ["email"])[0] == "sms"
    assert rules.choose_channel("email_only", gone, ["email"])[0] is None


def test_an_automatic_draft_uses_a_channel_that_is_not_used_up():
    channels = {
        "email": rules.LeadChannel("email", "a@b.c", "valid", "unknown", None, used_up=True),
        "sms": rules.LeadChannel("sms", "+49", "valid", "granted", None),
    }
    assert rules.choose_channel("blended", channels, ["email"]) == ("sms", "")
    assert rules.choose_channel("blended", channels, ["email"], "email") == ("email", ""), "a person's choice counts"
    assert rules.choose_channel("email_only", channels, ["email"]) == ("email", "")
    silent = {**channels, "sms": rules.LeadChannel("sms", "+49", "valid", "unknown", None)}
    assert rules.choose_channel("blended", silent, ["email"]) == ("email", ""), "better there than nowhere"


@pytest.mark.parametrize("known", ["new", "contacted", "nurture", "exhausted"])
def test_an_answer_is_for_the_stage_that_the_reply_leads_to_until_that_is_known(known):
    before, after = NOW - timedelta(days=1), NOW + timedelta(seconds=1)
    assert stage_for("answer", "reply", NOW, known, None, None) == ("engaged", "reply")
    assert stage_for("answer", "reply", NOW, known, "used-up", before) == ("engaged", "reply")
    assert stage_for("answer", "reply", NOW, known, "manual", after) == (known, "manual")
    assert stage_for("answer", "asked", NOW, known, None, before) == (known, None)
    assert stage_for("answer", "reply", NOW, "lost", "declined", before) == ("lost", "declined")


def test_a_stage_older_than_the_reply_does_not_supersede_its_answer():
    answer = a_pending(kind="answer", cause="reply")
    before, after = NOW - timedelta(hours=1), NOW + timedelta(hours=1)
    assert rules.superseded_by_stage(answer, "exhausted", "used-up", before, None) is None
    assert rules.superseded_by_stage(answer, "exhausted", "no-channel", after, None)


def test_a_strategy_without_a_template_for_the_channel_is_invalid():
    strategy = Strategy("first", "new", 1, "a", "t", "l", "c", (), {"email": {"subject": "s", "body": "b"}})
    with pytest.raises(Invalid):
        template.write(a_task(channel="sms", strategy=strategy))
