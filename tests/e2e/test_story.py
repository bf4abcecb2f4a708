"""The story that Leadflow is for, through its HTTP APIs: a lead goes from capture to won, and a goal counts it."""

import mailbox
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, TypeVar

from shared.testing.bus import Bus, Seen
from tests.local_run import LocalRun

T = TypeVar("T")


def eventually(look: Callable[[], T | None], within: float = 30) -> T:
    deadline = time.monotonic() + within
    while not (found := look()):
        assert time.monotonic() < deadline, f"not so within {within} s"
        time.sleep(0.1)
    return found


class Story:
    """What the people and machines of one tenant do."""

    def __init__(self, system: LocalRun, tenant: str) -> None:
        self.system = system
        self.capture = system.client("capture", tenant, "service", subject="website")
        self.enrichment = system.client("enrichment", tenant, "viewer")
        self.scoring = system.client("scoring", tenant, "viewer")
        self.stages = system.client("stages", tenant, "reviewer")
        self.outreach = system.client("outreach", tenant, "reviewer")
        self.machine = system.client("outreach", tenant, "service", subject="mail-hook")
        self.both = system.client("outreach", tenant, "reviewer", "service", subject="robot")
        self.goals = system.client("goals", tenant, "admin")
        self.lead = ""

    def stage(self) -> dict[str, Any]:
        return self.stages.get(f"/v1/leads/{self.lead}").json()

    def stands(self, stage: str) -> dict[str, Any]:
        return eventually(lambda: (seen := self.stage()).get("stage") == stage and seen)

    def draft(self, kind: str) -> dict[str, Any]:
        asked = {"state": "pending", "lead_id": self.lead, "kind": kind}
        return eventually(lambda: self.outreach.get("/v1/drafts", params=asked).json()["items"])[0]

    def approve(self, draft: dict[str, Any]) -> None:
        self.outreach.post(
            f"/v1/drafts/{draft['draft_id']}/approve", json={"sha256": draft["sha256"]}
        ).raise_for_status()

    def mails(self, address: str) -> list[EmailMessage]:
        box = mailbox.Maildir(self.system.data / "mailbox", create=False)
        mails = [message_from_bytes(box.get_bytes(key), policy=policy.default) for key in box.iterkeys()]
        return [mail for mail in mails if mail["To"] == address]  # type: ignore[misc]

    def answer(self, mail: EmailMessage, text: str) -> dict[str, Any]:
        reply = EmailMessage()
        reply["From"], reply["To"] = mail["To"], mail.get("Reply-To", mail["From"])
        reply["Subject"] = f"Re: {mail['Subject']}"
        reply["Message-ID"] = f"<answer-{time.time_ns()}@analytical.example>"
        reply["In-Reply-To"] = reply["References"] = mail["Message-ID"]
        reply.set_content(text)
        taken = self.machine.post("/v1/replies", content=bytes(reply), headers={"Content-Type": "message/rfc822"})
        return taken.raise_for_status().json()


TOLD = """
    lead.captured lead.enriched lead.scored stage.changed draft.created draft.decided message.sent reply.received
    meeting.booked
""".split()


def traces_of(bus: Bus, tenant: str, lead: str) -> set[str]:
    """The OpenTelemetry traces of all that was said of a lead (W3C trace context: version-trace-span-flags)."""

    def all_said() -> dict[str, list[Seen]] | None:
        said = {type: [s for s in bus.seen(type, tenant=tenant) if s.lead_id == lead] for type in TOLD}
        return said if all(said.values()) else None

    said = eventually(all_said)
    return {one.headers["traceparent"].split("-")[1] for seen in said.values() for one in seen}


def test_a_lead_goes_from_capture_to_won_and_counts_towards_the_goals(system: LocalRun, bus: Bus, tenant: str):
    story = Story(system, tenant)
    address = "ada@analytical.example"
    made: dict[str, str] = {}
    for metric in ("qualified_created", "first_qualified", "meetings_held", "won"):
        goal = {"name": metric, "metric": metric, "target": 1, "period": "month", "timezone": "Europe/Berlin"}
        made[metric] = story.goals.post("/v1/goals", json=goal).raise_for_status().json()["goal_id"]

    def value(metric: str) -> int:
        return story.goals.get(f"/v1/goals/{made[metric]}").json()["current_value"]

    # Captured, enriched, scored, in the queue.
    submission = {
        "source": "website", "external_id": "w-1", "email": address, "full_name": "Ada Lovelace",
        "company": "Analytical Ltd", "job_title": "CTO", "country": "GB", "consent": {"email": "granted"},
    }  # fmt: skip
    answer = story.capture.post("/v1/leads", json=submission)
    assert answer.status_code == 201
    story.lead = answer.json()["lead_id"]
    assert story.capture.post("/v1/leads", json=submission).json()["lead_id"] == story.lead
    facts = eventually(lambda: story.enrichment.get(f"/v1/leads/{story.lead}/facts").json().get("facts"))
    assert facts["seniority"]["value"] == "c_level"
    scored = eventually(lambda: (seen := story.stage()).get("score_total") and seen)
    assert scored["stage"] == scored["status"] == "new"
    score = story.scoring.get(f"/v1/leads/{story.lead}/score").json()
    assert score["total"] == score["fit"] + score["intent"] + score["engagement"] > 0
    eventually(lambda: story.stage()["score_total"] == score["total"])
    assert [item["lead_id"] for item in story.stages.get("/v1/queue").json()["items"]] == [story.lead]

    # A first message, when asked for: drafted by the agent, approved by a human, sent, answered.
    ask = {"lead_id": story.lead, "kind": "first", "channel": "email"}
    assert story.outreach.post("/v1/drafts", json=ask).status_code == 202
    first = story.draft("first")
    approve = f"/v1/drafts/{first['draft_id']}/approve"
    for machine in (story.machine, story.both):
        assert machine.post(approve, json={"sha256": first["sha256"]}).status_code == 403
    assert story.outreach.post(approve, json={"sha256": "0" * 64}).status_code == 409
    assert story.mails(address) == []
    story.approve(first)
    sent = eventually(lambda: story.mails(address))[0]
    assert sent["Subject"] == first["subject"]
    assert sent.get_body(("plain",)).get_content().replace("\r\n", "\n").strip() == first["body"].strip()  # type: ignore[union-attr]
    story.stands("contacted")
    assert story.answer(sent, "Yes, I am interested. Please send me your offer.")["outcome"] == "matched"
    story.stands("engaged")

    # Qualified by its checklist; the follow-up comes by itself and waits for a human.
    for item in ("budget", "authority", "need", "timing"):
        ticked = story.stages.put(f"/v1/leads/{story.lead}/checklist/{item}", json={"ticked": True})
        assert ticked.status_code == 200
    assert (story.stands("qualified")["status"], story.stage()["first_qualified_on"] is not None) == ("qualified", True)
    eventually(lambda: value("qualified_created") == value("first_qualified") == 1)
    follow_up = story.draft("follow_up")
    assert len(story.mails(address)) == 1
    story.approve(follow_up)
    eventually(lambda: len(story.mails(address)) == 2)

    # A meeting is booked, passes, and is won.
    ends_at = datetime.now(UTC) + timedelta(seconds=1)
    meeting = {"starts_at": (ends_at - timedelta(minutes=30)).isoformat(), "ends_at": ends_at.isoformat()}
    assert story.stages.post(f"/v1/leads/{story.lead}/meetings", json=meeting).status_code == 201
    story.stands("meeting_completed")
    eventually(lambda: value("meetings_held") == 1)
    assert story.stages.put(f"/v1/leads/{story.lead}/stage", json={"stage": "won"}).json()["status"] == "converted"
    eventually(lambda: value("won") == 1 and value("qualified_created") == 0)
    assert value("first_qualified") == 1
    for goal in made.values():
        assert story.goals.post(f"/v1/goals/{goal}/recount").json()["equal"] is True

    timeline = story.stages.get(f"/v1/leads/{story.lead}/timeline", params={"limit": 200}).json()["items"]
    moves = [entry["data"]["to"] for entry in reversed(timeline) if entry["type"] == "status_change"]
    assert moves == ["contacted", "engaged", "qualified", "scheduled", "meeting_completed", "won"]
    told = {entry["type"] for entry in timeline}
    assert told >= {"lead.captured", "lead.enriched", "lead.scored", "draft.created", "draft.decided", "message.sent"}
    assert len(story.mails(address)) == 2
    assert len(traces_of(bus, tenant, story.lead)) == 1, "its way through all services is one trace"


def test_an_opt_out_ends_it_for_good(system: LocalRun, tenant: str):
    story = Story(system, tenant)
    address = "grace@navy.example"
    lead = {"source": "website", "email": address, "first_name": "Grace", "company": "Navy"}
    story.lead = story.capture.post("/v1/leads", json=lead).raise_for_status().json()["lead_id"]
    eventually(lambda: story.stage().get("score_total"))
    ask = {"lead_id": story.lead, "kind": "first", "channel": "email"}
    eventually(lambda: story.outreach.post("/v1/drafts", json=ask).status_code == 202)
    story.approve(story.draft("first"))
    mail = eventually(lambda: story.mails(address))[0]
    story.stands("contacted")
    story.answer(mail, "Please remove me from your list.")
    story.stands("dead")
    refused = story.stages.put(f"/v1/leads/{story.lead}/stage", json={"stage": "new"})
    assert (refused.status_code, refused.json()["status"]) == (409, 409)
    text = {"subject": "One more thing", "body": "Are you sure?"}
    assert story.outreach.post("/v1/drafts", json={**ask, "kind": "answer", **text}).status_code == 409
    assert len(story.mails(address)) == 1
