"""The whole lifecycle through the HTTP APIs: a lead goes from capture to won, and a goal counts it."""

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


def eventually(check: Callable[[], T | None], within: float = 30) -> T:
    deadline = time.monotonic() + within
    while not (found := check()):
        assert time.monotonic() < deadline, f"not so within {within} s"
        time.sleep(0.1)
    return found


class Tenant:
    """The people and machines of one tenant, and the lead that they work on."""

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

    def wait_for_stage(self, stage: str) -> dict[str, Any]:
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
        response = self.machine.post("/v1/replies", content=bytes(reply), headers={"Content-Type": "message/rfc822"})
        return response.raise_for_status().json()


PUBLISHED = """
    lead.captured lead.enriched lead.scored stage.changed draft.created draft.decided message.sent reply.received
    meeting.booked
""".split()


def traces_of(bus: Bus, tenant: str, lead: str) -> set[str]:
    """The trace ids of a lead's events (W3C trace context: version-trace-span-flags)."""

    def every_type() -> list[Seen] | None:
        events = [seen for seen in bus.seen(*PUBLISHED, tenant=tenant) if seen.lead_id == lead]
        return events if {seen.type for seen in events} == set(PUBLISHED) else None

    return {seen.headers["traceparent"].split("-")[1] for seen in eventually(every_type)}


def test_a_lead_goes_from_capture_to_won_and_counts_towards_the_goals(system: LocalRun, bus: Bus, tenant: str):
    acme = Tenant(system, tenant)
    address = "ada@analytical.example"
    goals: dict[str, str] = {}
    for metric in ("qualified_created", "first_qualified", "meetings_held", "won"):
        goal = {"name": metric, "metric": metric, "target": 1, "period": "month", "timezone": "Europe/Berlin"}
        goals[metric] = acme.goals.post("/v1/goals", json=goal).raise_for_status().json()["goal_id"]

    def value(metric: str) -> int:
        return acme.goals.get(f"/v1/goals/{goals[metric]}").json()["current_value"]

    # Captured, enriched, scored, in the queue.
    submission = {
        "source": "website", "external_id": "w-1", "email": address, "full_name": "Ada Lovelace",
        "company": "Analytical Ltd", "job_title": "CTO", "country": "GB", "consent": {"email": "granted"},
    }  # fmt: skip
    answer = acme.capture.post("/v1/leads", json=submission)
    assert answer.status_code == 201
    acme.lead = answer.json()["lead_id"]
    assert acme.capture.post("/v1/leads", json=submission).json()["lead_id"] == acme.lead
    facts = eventually(lambda: acme.enrichment.get(f"/v1/leads/{acme.lead}/facts").json().get("facts"))
    assert facts["seniority"]["value"] == "c_level"
    scored = eventually(lambda: (seen := acme.stage()).get("score_total") and seen)
    assert scored["stage"] == scored["status"] == "new"
    score = acme.scoring.get(f"/v1/leads/{acme.lead}/score").json()
    assert score["total"] == score["fit"] + score["intent"] + score["engagement"] > 0
    eventually(lambda: acme.stage()["score_total"] == score["total"])
    assert [item["lead_id"] for item in acme.stages.get("/v1/queue").json()["items"]] == [acme.lead]

    # A requested first message is drafted by the agent, approved by a human, sent and answered.
    ask = {"lead_id": acme.lead, "kind": "first", "channel": "email"}
    assert acme.outreach.post("/v1/drafts", json=ask).status_code == 202
    first = acme.draft("first")
    approve = f"/v1/drafts/{first['draft_id']}/approve"
    for machine in (acme.machine, acme.both):
        assert machine.post(approve, json={"sha256": first["sha256"]}).status_code == 403
    assert acme.outreach.post(approve, json={"sha256": "0" * 64}).status_code == 409
    assert acme.mails(address) == []
    acme.approve(first)
    sent = eventually(lambda: acme.mails(address))[0]
    assert sent["Subject"] == first["subject"]
    assert sent.get_body(("plain",)).get_content().replace("\r\n", "\n").strip() == first["body"].strip()  # type: ignore[union-attr]
    acme.wait_for_stage("contacted")
    assert acme.answer(sent, "Yes, I am interested. Please send me your offer.")["outcome"] == "matched"
    acme.wait_for_stage("engaged")

    # The checklist qualifies the lead. The follow-up is drafted automatically and waits for a human.
    for item in ("budget", "authority", "need", "timing"):
        ticked = acme.stages.put(f"/v1/leads/{acme.lead}/checklist/{item}", json={"ticked": True})
        assert ticked.status_code == 200
    assert acme.wait_for_stage("qualified")["status"] == "qualified"
    assert acme.stage()["first_qualified_on"] is not None
    eventually(lambda: value("qualified_created") == value("first_qualified") == 1)
    follow_up = acme.draft("follow_up")
    assert len(acme.mails(address)) == 1
    acme.approve(follow_up)
    eventually(lambda: len(acme.mails(address)) == 2)

    # A meeting is booked and takes place, and the lead is won.
    ends_at = datetime.now(UTC) + timedelta(seconds=1)
    meeting = {"starts_at": (ends_at - timedelta(minutes=30)).isoformat(), "ends_at": ends_at.isoformat()}
    assert acme.stages.post(f"/v1/leads/{acme.lead}/meetings", json=meeting).status_code == 201
    acme.wait_for_stage("meeting_completed")
    eventually(lambda: value("meetings_held") == 1)
    assert acme.stages.put(f"/v1/leads/{acme.lead}/stage", json={"stage": "won"}).json()["status"] == "converted"
    eventually(lambda: value("won") == 1 and value("qualified_created") == 0)
    assert value("first_qualified") == 1
    for goal in goals.values():
        assert acme.goals.post(f"/v1/goals/{goal}/recount").json()["equal"] is True

    timeline = acme.stages.get(f"/v1/leads/{acme.lead}/timeline", params={"limit": 200}).json()["items"]
    moves = [entry["data"]["to"] for entry in reversed(timeline) if entry["type"] == "status_change"]
    assert moves == ["contacted", "engaged", "qualified", "scheduled", "meeting_completed", "won"]
    types = {entry["type"] for entry in timeline}
    assert types >= {"lead.captured", "lead.enriched", "lead.scored", "draft.created", "draft.decided", "message.sent"}
    assert len(acme.mails(address)) == 2
    assert len(traces_of(bus, tenant, acme.lead)) == 1, "all events of the lead belong to one trace"


def test_after_an_opt_out_the_lead_stays_dead_and_gets_no_more_messages(system: LocalRun, tenant: str):
    acme = Tenant(system, tenant)
    address = "grace@navy.example"
    lead = {"source": "website", "email": address, "first_name": "Grace", "company": "Navy"}
    acme.lead = acme.capture.post("/v1/leads", json=lead).raise_for_status().json()["lead_id"]
    eventually(lambda: acme.stage().get("score_total"))
    ask = {"lead_id": acme.lead, "kind": "first", "channel": "email"}
    eventually(lambda: acme.outreach.post("/v1/drafts", json=ask).status_code == 202)
    acme.approve(acme.draft("first"))
    mail = eventually(lambda: acme.mails(address))[0]
    acme.wait_for_stage("contacted")
    acme.answer(mail, "Please remove me from your list.")
    acme.wait_for_stage("dead")
    refused = acme.stages.put(f"/v1/leads/{acme.lead}/stage", json={"stage": "new"})
    assert (refused.status_code, refused.json()["status"]) == (409, 409)
    text = {"subject": "One more thing", "body": "Are you sure?"}
    assert acme.outreach.post("/v1/drafts", json={**ask, "kind": "answer", **text}).status_code == 409
    assert len(acme.mails(address)) == 1
