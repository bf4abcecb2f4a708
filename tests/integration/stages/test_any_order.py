"""Over the real topics, with replicas: any order of arrival ends as the sorted fold, and timers fire once."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import orjson
import pytest

from services.stages.rules import SettingsHistory, Signal, fold, signal_data
from shared.ids import digest
from shared.testing.builders import ALead, ago

LEADS = 60
SOURCE = "urn:test:other-system"
ITEMS = ("budget", "authority", "need", "timing")


def a_story(dice: random.Random, lead: ALead) -> list[tuple[str, str, dict[str, Any], datetime]]:
    """(event id, type, data, time) of all that happened to a lead within forty days, in no order."""

    def at(days: float) -> datetime:
        return ago(days=days, seconds=dice.randrange(10_000))

    def event(type: str, data: dict[str, Any], days: float) -> tuple[str, str, dict[str, Any], datetime]:
        return str(uuid4()), type, data, at(days)

    mail, phone = f"lee.{lead.id.hex[-8:]}@example.com", "+14155550100" if dice.random() < 0.5 else None
    captured = {"lead_id": str(lead.id), "source": "web", "created_on": at(41).isoformat(), "email": mail}
    story = [event("lead.captured", captured | ({"phone": phone} if phone else {}), 41)]
    for _ in range(dice.randrange(2, 12)):
        days = dice.uniform(1, 39)
        kind = dice.choice("sent sent replied replied bounced booked cancelled scored mode used_up opted_out".split())
        channel = dice.choice(["email", "sms"])
        meeting = dice.choice(["m1", "m2"])
        ends = ago(days=days - dice.uniform(-2, 2))
        label = dice.choice("interested question later declined moved_company out_of_office opt_out other".split())
        evidence = [{"item": item, "sentence": "yes"} for item in dice.sample(ITEMS, dice.randrange(5))]
        kinds: dict[str, tuple[str, dict[str, Any]]] = {
            "sent": (
                "message.sent",
                {"message_id": "m", "draft_id": str(uuid4()), "channel": channel, "kind": "first"},
            ),
            "replied": (
                "reply.received",
                {
                    "reply_id": f"{lead.id}-{dice.randrange(3)}",
                    "channel": channel,
                    "label": label,
                    "confidence": 1.0,
                    "method": "rule",
                    "labelled_at": at(days).isoformat(),
                    "evidence": evidence,
                },
            ),
            "bounced": (
                "message.bounced",
                {
                    "message_id": "m",
                    "channel": channel,
                    "severity": "hard",
                    "code": "550",
                    "detail": "gone",
                    "address": mail if channel == "email" else "+14155550100",
                    "address_state": dice.choice(["valid", "soft", "invalid"]),
                },
            ),
            "booked": (
                "meeting.booked",
                {
                    "meeting_id": meeting,
                    "starts_at": (ends - timedelta(hours=1)).isoformat(),
                    "ends_at": ends.isoformat(),
                },
            ),
            "cancelled": ("meeting.cancelled", {"meeting_id": meeting}),
            "scored": (
                "lead.scored",
                {
                    "fit": 1,
                    "intent": 1,
                    "engagement": 1,
                    "total": dice.randrange(100),
                    "band": "C",
                    "model_version": 1,
                    "scored_at": at(days).isoformat(),
                },
            ),
            "mode": (
                "outreach.mode_changed",
                {"mode": dice.choice(["blended", "email_only", "sms_only"]), "previous": "blended"},
            ),
            "used_up": ("outreach.exhausted", {"mode": "blended", "channels": ["email", "sms"]}),
            "opted_out": ("contact.opted_out", {"channel": "email", "how": dice.choice(["operator", "unsubscribe"])}),
        }
        story.append(event(*kinds[kind], days))
    return story


def folded(story: list[tuple[str, str, dict[str, Any], datetime]], lead: ALead, now: datetime) -> dict[str, Any]:
    signals = [
        Signal(str(digest(SOURCE, id)), id, SOURCE, type, at, at, signal_data(type, data), lead_id=str(lead.id))
        for id, type, data, at in story
    ]
    return orjson.loads(orjson.dumps(fold(signals, SettingsHistory.of(), now).journey.to_json()))


@pytest.mark.parametrize("seed", [1, 2])
async def test_any_arrival_over_the_topics_ends_as_the_sorted_fold(bus, start, tenant, eventually, seed):
    stages = await start("stages")
    await start("stages", only="consumers", batch_records=25)
    dice = random.Random(seed)
    leads = [ALead(bus, tenant) for _ in range(LEADS)]
    stories = {str(lead.id): a_story(dice, lead) for lead in leads}
    by_id = {str(lead.id): lead for lead in leads}
    arriving = [(lead, event) for lead, story in stories.items() for event in story]
    arriving += dice.sample(arriving, len(arriving) // 5)
    dice.shuffle(arriving)
    for n, (lead, (id, type, data, at)) in enumerate(arriving):
        by_id[lead].publish(type, data, time=at, id=id)
        if n % 100 == 0:
            bus.flush()
    bus.flush()

    async def all_as_folded() -> bool:
        async with stages.database.worker() as work:
            rows = await work.fetch("SELECT lead_id, journey, revision FROM lead WHERE tenant_id = :t", t=tenant)
        found = {str(row["lead_id"]): row["journey"] for row in rows}
        assert found.keys() == stories.keys()
        for lead, story in stories.items():
            assert found[lead] == folded(story, by_id[lead], datetime.now(UTC)), story
        return True

    await eventually(all_as_folded, within=60)
    async with stages.database.worker() as work:
        rows = await work.fetch("SELECT lead_id, journey, revision FROM lead WHERE tenant_id = :t", t=tenant)
    published = await bus.read("stage.changed", tenant=tenant, count=sum(row["revision"] for row in rows))
    for row in rows:
        of_lead = {s.data["revision"]: s for s in published if s.lead_id == str(row["lead_id"])}
        assert sorted(of_lead) == list(range(1, row["revision"] + 1))
        before = "new"
        for revision in sorted(of_lead):
            assert of_lead[revision].data["from"] == before, "each goes on from where the last one ended"
            before = of_lead[revision].data["to"]
        assert before == row["journey"]["stage"]
        if of_lead:
            assert _facts(of_lead[row["revision"]].data["journey"]) == _facts(row["journey"]), "the newest says it all"


FACTS = ("contacted", "first_qualified_on", "won_on", "owner", "created_on")


def _facts(journey: dict[str, Any]) -> dict[str, Any]:
    """The facts of a published or stored journey; the stored one leaves out what is false or not set."""
    facts = {name: journey.get(name) or None for name in FACTS}
    return {k: datetime.fromisoformat(v) if v and k.endswith("_on") else v for k, v in facts.items()}


async def test_a_timer_fires_once_with_several_replicas_and_after_a_restart(bus, start, tenant, eventually):
    stopping, *replicas = [await start("stages", only="workers") for _ in range(3)]
    await start("stages")
    soon = datetime.now(UTC) + timedelta(seconds=4)
    leads = [ALead(bus, tenant) for _ in range(40)]
    for lead in leads:
        lead.captured(time=ago(hours=2))
        lead.met(soon - timedelta(minutes=30), soon, time=ago(hours=1))
    await bus.read("stage.changed", tenant=tenant, count=len(leads))
    await stopping.stop()
    passed = await bus.read(
        "stage.changed", tenant=tenant, where=lambda s: s.data["to"] == "meeting_completed", count=len(leads)
    )
    assert {s.lead_id for s in passed} == {str(lead.id) for lead in leads}
    assert len({s.id for s in passed}) == len(leads)
    assert all(s.time == soon for s in passed)
    late = [datetime.fromisoformat(s.data["recorded_at"]) - soon for s in passed]
    assert max(late) < timedelta(seconds=4), "exact to a few seconds"
    for replica in replicas:
        async with replica.database.worker() as work:
            again = await work.fetch("SELECT 1 FROM lead WHERE tenant_id = :t AND revision <> 2", t=tenant)
        assert again == []
