"""The whole service on the real broker: a qualified lead gets a draft, a human approves it, the mail arrives."""

from email import message_from_bytes, policy

from shared.testing.builders import ALead


async def test_a_qualified_lead_gets_an_automatic_draft_and_exactly_the_approved_message(
    outreach, smtp, bus, tenant, eventually
):
    lead = ALead(bus, tenant)
    address = f"grace.{lead.id.hex[-8:]}@navy.example"
    lead.captured(email=address, first_name="Grace", company="Navy", job_title="Admiral")
    now = _now()
    lead.publish(
        "lead.enriched",
        {"facts": {"industry": {"value": "shipping", "source": "directory", "fetched_at": now}}, "providers": []},
    )
    bus.flush()
    async with outreach.client(tenant, "reviewer") as http:
        await eventually(lambda: _mode(http, lead.id))
        lead.moved("qualified", rule="checklist", status="qualified")
        bus.flush()
        draft = (await eventually(lambda: _drafts(http, lead.id)))[0]
        assert (draft["kind"], draft["channel"], draft["to"]) == ("follow_up", "email", address)
        assert "shipping" in draft["body"]
        cited = {claim.get("fact") or claim.get("field") for claim in draft["claims"]}
        assert {"industry", "company", "first_name"} <= cited

        answer = await http.post(f"/v1/drafts/{draft['draft_id']}/approve", json={"sha256": draft["sha256"]})
        assert answer.status_code == 200, answer.text
        sent = (await bus.read("message.sent", tenant=tenant))[0]
        mail = smtp.to(address)[0]
        assert mail["Subject"] == draft["subject"]
        assert mail.get_body(("plain",)).get_content().replace("\r\n", "\n") == draft["body"]
        assert mail["Message-ID"] == f"<{sent.data['message_id']}>"
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        created = (await bus.read("draft.created", tenant=tenant))[0]
        decided = (await bus.read("draft.decided", tenant=tenant))[0]
        assert created.data["sha256"] == decided.data["sha256"] == draft["sha256"]
        assert decided.data["actor"] == "human:ann"

        raw = _answer_to(mail, "Yes please, send me the offer.")
        async with outreach.client(tenant, "service") as machine:
            recorded = await machine.post("/v1/replies", content=raw, headers={"Content-Type": "message/rfc822"})
        assert (recorded.status_code, recorded.json()["outcome"]) == (202, "matched")
        reply = (await bus.read("reply.received", tenant=tenant))[0]
        assert reply.data["label"] == "interested"
        assert reply.data["message_id"] == sent.data["message_id"]
        answers = await eventually(lambda: _drafts(http, lead.id, kind="answer"))
        assert answers[0]["subject"] == f"Re: {draft['subject']}"
        assert answers[0]["headers"]["In-Reply-To"] == "<answer-1@navy.example>"
        talk = (await http.get(f"/v1/leads/{lead.id}/conversation")).json()["items"]
        assert [(item["direction"], item["label"]) for item in talk] == [("out", None), ("in", "interested")]


def _now() -> str:
    from datetime import UTC, datetime

    return datetime.now(UTC).isoformat()


async def _mode(http, lead_id) -> bool:
    return (await http.get(f"/v1/leads/{lead_id}/mode")).status_code == 200


async def _drafts(http, lead_id, kind: str = "follow_up") -> list:
    answer = await http.get("/v1/drafts", params={"state": "pending", "lead_id": str(lead_id), "kind": kind})
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def _answer_to(mail, text: str) -> bytes:
    made = message_from_bytes(b"", policy=policy.SMTP)
    made["From"] = mail["To"]
    made["To"] = mail["From"]
    made["Subject"] = f"Re: {mail['Subject']}"
    made["Message-ID"] = "<answer-1@navy.example>"
    made["In-Reply-To"] = mail["Message-ID"]
    made.set_content(text + "\n\nOn Mon, 1 Jan 2026 at 10:00, Sales <sales@x.example> wrote:\n> hello\n")
    return made.as_bytes()
