"""Received replies: which lead they match, their label, what follows from it."""

import base64
import hmac
from email.message import EmailMessage
from urllib.parse import urlsplit

import pytest

RFC822 = {"Content-Type": "message/rfc822"}


@pytest.fixture
async def sent(office, tenant, smtp):
    """A first message that was sent, and the stage that followed."""
    lead = await office.captured(tenant, phone="+4915112345678", consent={"sms": "granted"})
    approved = await office.approved(tenant, lead)
    await office.send()
    await office.moved(tenant, lead, "contacted", rule="first-message")
    (mail,) = smtp.to(approved["to"])
    return lead, mail, approved


def answer_to(
    mail, text: str, *, id: str = "r1@lead.example", threaded: bool = True, sender: str | None = None, **headers
) -> bytes:
    made = EmailMessage()
    made["From"] = sender or mail["To"]
    made["To"] = mail["From"]
    made["Subject"] = f"Re: {mail['Subject']}"
    made["Message-ID"] = f"<{id}>"
    if threaded:
        made["In-Reply-To"] = made["References"] = mail["Message-ID"]
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    made.set_content(text)
    return made.as_bytes()


async def post_mail(office, tenant, raw: bytes) -> dict:
    async with office.client(tenant, "service") as http:
        answer = await http.post("/v1/replies", content=raw, headers=RFC822)
    assert answer.status_code == 202, answer.text
    return answer.json()


async def replies(office, tenant, **params) -> list[dict]:
    async with office.client(tenant, "viewer") as http:
        return (await http.get("/v1/replies", params=params)).json()["items"]


async def test_a_threaded_answer_is_matched_once(office, tenant, sent, bus):
    lead, mail, _ = sent
    raw = answer_to(mail, "What does it cost?", sender="assistant@elsewhere.example")
    first, again = await post_mail(office, tenant, raw), await post_mail(office, tenant, raw)
    assert (first["outcome"], again["outcome"]) == ("matched", "duplicate")
    assert first["reply_id"] == again["reply_id"]
    (event,) = await bus.read("reply.received", tenant=tenant)
    assert (event.data["label"], event.data["method"]) == ("question", "model")
    assert event.lead_id == str(lead)
    assert event.data["message_id"] == mail["Message-ID"].strip("<>")


async def test_an_answer_without_thread_is_matched_by_its_sender_and_by_a_link_in_the_quote(office, tenant, sent):
    _, mail, _ = sent
    assert (await post_mail(office, tenant, answer_to(mail, "Hello there", threaded=False)))["outcome"] == "matched"
    link = mail["List-Unsubscribe"].strip("<>")
    text = f"Fine.\n\n> Unsubscribe: {link}\n"
    other = answer_to(mail, text, id="r2@x", threaded=False, sender="private@elsewhere.example")
    assert (await post_mail(office, tenant, other))["outcome"] == "matched"


async def test_a_reply_of_a_stranger_is_stored_unmatched(office, tenant, sent):
    _, mail, _ = sent
    received = await post_mail(office, tenant, answer_to(mail, "Hi", threaded=False, sender="who@elsewhere.example"))
    assert received["outcome"] == "unmatched"
    assert (await replies(office, tenant))[0]["lead_id"] is None


async def test_our_own_copy_is_never_a_reply_and_proves_that_it_was_sent(office, tenant, smtp):
    import asyncio

    approved = await office.approved(tenant, await office.captured(tenant))
    smtp.on["data"] = lambda: asyncio.sleep(1)
    await office.send(timeout=0.2)
    assert (await office.dispatch(tenant, approved["dispatch_id"]))["state"] == "unknown"
    raw = smtp.to(approved["to"])[0].as_bytes()
    assert await post_mail(office, tenant, raw) == {"reply_id": None, "outcome": "own_copy"}
    assert (await office.dispatch(tenant, approved["dispatch_id"]))["state"] == "sent"
    assert await replies(office, tenant) == []


async def test_an_opt_out_closes_every_address_and_ends_pending_drafts(office, tenant, sent, bus, smtp):
    lead, mail, approved = await _with_pending_answer(office, tenant, sent)
    received = await post_mail(office, tenant, answer_to(mail, "Please take me off your list.", id="r9@x"))
    out = (await bus.read("contact.opted_out", tenant=tenant))[0]
    assert out.data == {"channel": "all", "how": "reply", "reply_id": received["reply_id"]}
    async with office.client(tenant, "reviewer") as http:
        drafts = (await http.get("/v1/drafts", params={"state": "pending"})).json()["items"]
        assert drafts == []
        body = {"lead_id": str(lead), "kind": "answer", "channel": "sms", "body": "Hi"}
        assert (await http.post("/v1/drafts", json=body)).json()["detail"] == "the lead has opted out"
        rows = (await http.get("/v1/suppressions")).json()["items"]
    assert {(row["channel"], row["address"]) for row in rows} == {("email", approved["to"]), ("sms", "+4915112345678")}
    again = await office.captured(tenant, email=approved["to"])
    blocked = await bus.read("contact.opted_out", tenant=tenant, count=2)
    assert [(event.lead_id, event.data["how"]) for event in blocked if event.lead_id == str(again)] == [
        (str(again), "blocklist")
    ]


async def _with_pending_answer(office, tenant, sent):
    lead, mail, approved = sent
    await post_mail(office, tenant, answer_to(mail, "What does it cost?", id="r8@x"))
    await office.moved(tenant, lead, "engaged", from_="contacted", rule="reply", revision=2)
    assert await office.compose() >= 1
    return lead, mail, approved


async def test_a_question_gets_an_answer_in_its_thread(office, tenant, sent):
    lead, mail, approved = await _with_pending_answer(office, tenant, sent)
    async with office.client(tenant, "viewer") as http:
        params = {"state": "pending", "lead_id": str(lead)}
        (draft,) = (await http.get("/v1/drafts", params=params)).json()["items"]
    assert (draft["kind"], draft["subject"]) == ("answer", f"Re: {approved['subject']}")
    assert draft["headers"]["In-Reply-To"] == "<r8@x>"
    assert mail["Message-ID"] in draft["headers"]["References"]


async def test_a_newer_reply_supersedes_the_answer_to_the_older(office, tenant, sent):
    _, mail, _ = await _with_pending_answer(office, tenant, sent)
    await post_mail(office, tenant, answer_to(mail, "And is there a trial?", id="r10@x"))
    async with office.client(tenant, "viewer") as http:
        states = [draft["state"] for draft in (await http.get("/v1/drafts", params={"kind": "answer"})).json()["items"]]
    assert states == ["superseded"]
    await office.compose()
    async with office.client(tenant, "viewer") as http:
        assert len((await http.get("/v1/drafts", params={"state": "pending"})).json()["items"]) == 1


async def test_an_approved_message_is_refused_when_the_lead_writes_first(office, tenant, sent, smtp):
    _, mail, _ = await _with_pending_answer(office, tenant, sent)
    async with office.client(tenant, "reviewer") as http:
        (draft,) = (await http.get("/v1/drafts", params={"state": "pending"})).json()["items"]
        approved = (await http.post(f"/v1/drafts/{draft['draft_id']}/approve", json={"sha256": draft["sha256"]})).json()
    await post_mail(office, tenant, answer_to(mail, "Forget it, I found a way myself.", id="r11@x"))
    await office.send()
    dispatch = await office.dispatch(tenant, approved["dispatch_id"])
    assert (dispatch["state"], dispatch["reason"]) == ("refused", "the lead has written since the draft was made")


async def test_an_out_of_office_message_is_not_a_reply_of_the_lead(office, tenant, sent, bus):
    _, mail, _ = await _with_pending_answer(office, tenant, sent)
    await post_mail(
        office, tenant, answer_to(mail, "I am out of office until Monday.", id="r12@x", Auto_Submitted="auto-replied")
    )
    labels = [event.data["label"] for event in await bus.read("reply.received", tenant=tenant, count=2)]
    assert labels == ["question", "out_of_office"]
    async with office.client(tenant, "viewer") as http:
        assert len((await http.get("/v1/drafts", params={"state": "pending"})).json()["items"]) == 1


async def test_an_uncertain_reply_goes_to_a_human_whose_label_is_published_at_the_replys_time(
    office, tenant, sent, bus
):
    _, mail, _ = sent
    received = await post_mail(office, tenant, answer_to(mail, "My uncle keeps goats."))
    assert [reply["reply_id"] for reply in await replies(office, tenant, needs_human=True)] == [received["reply_id"]]
    office.advance(hours=3)
    async with office.client(tenant, "reviewer") as http:
        labelled = await http.post(f"/v1/replies/{received['reply_id']}/label", json={"label": "interested"})
    assert [entry["label"] for entry in labelled.json()["history"]] == ["other", "interested"]
    assert await replies(office, tenant, needs_human=True) == []
    first, second = await bus.read("reply.received", tenant=tenant, count=2)
    assert first.data["reply_id"] == second.data["reply_id"] == received["reply_id"]
    assert second.data["label"] == "interested" and second.data["method"] == "human"
    assert second.time == first.time
    assert second.data["labelled_at"] > first.data["labelled_at"]
    await office.compose()
    async with office.client(tenant, "viewer") as http:
        assert [
            draft["kind"] for draft in (await http.get("/v1/drafts", params={"state": "pending"})).json()["items"]
        ] == ["answer"]


async def test_a_wrong_opt_out_is_corrected_by_an_operator_with_a_note(office, tenant, sent):
    lead, mail, _ = sent
    received = await post_mail(
        office, tenant, answer_to(mail, "Please remove me from your list of morning people, haha")
    )
    url = f"/v1/replies/{received['reply_id']}/label"
    async with office.client(tenant, "reviewer") as http:
        assert (await http.post(url, json={"label": "interested", "note": "a joke"})).status_code == 403
    async with office.client(tenant, "operator") as http:
        assert (await http.post(url, json={"label": "interested"})).status_code == 422
        assert (await http.post(url, json={"label": "interested", "note": "a joke"})).status_code == 200
        rows = (await http.get("/v1/suppressions")).json()["items"]
        assert rows and all(row["retracted_at"] for row in rows)
    await office.compose()
    async with office.client(tenant, "viewer") as http:
        (draft,) = (await http.get("/v1/drafts", params={"state": "pending", "lead_id": str(lead)})).json()["items"]
    assert draft["kind"] == "answer"


@pytest.mark.parametrize("sender", ["+49 151 12345678", "4915112345678", "0049-151-12345678", "+49 (0)151 12345678"])
async def test_stop_by_sms_is_final(office, tenant, sent, bus, sender):
    async with office.client(tenant, "service") as http:
        body = {"from": sender, "to": "+12025550100", "body": "STOP", "message_sid": "SM1"}
        answer = await http.post("/v1/sms/inbound", json=body)
        assert (answer.status_code, answer.json()["outcome"]) == (202, "matched")
        assert (await http.post("/v1/sms/inbound", json=body)).json()["outcome"] == "duplicate"
    out = (await bus.read("contact.opted_out", tenant=tenant))[0]
    assert (out.data["channel"], out.data["how"]) == ("sms", "stop_word")
    async with office.client(tenant, "operator") as http:
        correction = {"label": "other", "note": "meant the bus stop"}
        assert (await http.post(f"/v1/replies/{answer.json()['reply_id']}/label", json=correction)).status_code == 409


async def test_a_providers_request_counts_only_when_it_is_signed(office, tenant, sent):
    form = {"From": "+4915112345678", "To": "+12025550100", "Body": "hello", "MessageSid": "SM7"}
    url = f"http://outreach.example/v1/sms/inbound?tenant={tenant}"
    content = url + "".join(name + form[name] for name in sorted(form))
    signed = base64.b64encode(hmac.new(b"sms-secret", content.encode(), "sha1").digest()).decode()
    async with office.run.client() as http:
        path = urlsplit(url).path + "?" + urlsplit(url).query
        assert (await http.post(path, data=form)).status_code == 401
        assert (await http.post(path, data=form, headers={"X-Twilio-Signature": "bm8="})).status_code == 401
        answer = await http.post(path, data=form, headers={"X-Twilio-Signature": signed})
        assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (200, "text/xml")
        other = path.replace(tenant, "another-tenant")
        assert (await http.post(other, data=form, headers={"X-Twilio-Signature": signed})).status_code == 401
    assert len(await replies(office, tenant)) == 1


async def test_content_that_is_not_a_mail_is_refused_with_the_right_status(office, tenant):
    async with office.client(tenant, "service") as http:
        assert (await http.post("/v1/replies", json={})).status_code == 415
        assert (await http.post("/v1/replies", content=b" ", headers=RFC822)).status_code == 422
        assert (await http.post("/v1/replies", content=b"\xff\x00garbage", headers=RFC822)).status_code == 202
    async with office.client(tenant, "viewer") as http:
        assert (await http.post("/v1/replies", content=b"a", headers=RFC822)).status_code == 403
    async with office.run.client() as http:
        assert (await http.post("/v1/replies", content=b"a", headers=RFC822)).status_code == 401
