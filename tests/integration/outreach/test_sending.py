"""Sending: what leaves, what waits, what is refused, and that nothing ever leaves twice."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import asyncpg
import pytest

from services.outreach.sending.workers import give_up_leases
from services.outreach.suppression.use_cases import Wish, suppress_address
from tests.integration.outreach.meanwhile import held_back

ROOT = Path(__file__).parents[3]

POINTS = {
    # point: (what is known afterwards, how many copies have left)
    "claiming, not committed": ("queued", 0),
    "committed, nothing sent": ("unknown", 0),
    "smtp: ehlo": ("unknown", 0),
    "smtp: mail": ("unknown", 0),
    "smtp: rcpt": ("unknown", 0),
    "smtp: data": ("unknown", 1),
    "answered, not settled": ("unknown", 1),
    "settling, not committed": ("unknown", 1),
    "settled": ("sent", 1),
}


@pytest.mark.parametrize("point", POINTS)
async def test_a_sender_that_dies_at_any_point_never_sends_twice(office, tenant, smtp, point):
    expected, copies = POINTS[point]
    approved = await office.approved(tenant, await office.captured(tenant))
    code = await _send_and_die(office, smtp, point)
    assert code == -signal.SIGKILL
    await office.lease_runs_out()
    smtp.reset()
    assert (await office.dispatch(tenant, approved["dispatch_id"]))["state"] == expected
    assert len(smtp.to(approved["to"])) == copies
    for _ in range(3):
        await office.send()
        office.advance(hours=20)
        await give_up_leases(office.database)
    assert len(smtp.to(approved["to"])) == (1 if expected == "queued" else copies)


async def _send_and_die(office, smtp, point: str) -> int:
    child = await start_crashing_sender(office, smtp.port, point)
    if point.startswith("smtp: "):
        smtp.on[point.removeprefix("smtp: ")] = lambda: os.kill(child.pid, signal.SIGKILL)
    return await asyncio.wait_for(child.wait(), 60)


async def start_crashing_sender(office, smtp_port: int, point: str, *sms_url: str) -> asyncio.subprocess.Process:
    """A sender in a process of its own that dies at `point`, or when the caller kills it."""
    key = office.context.keys.secret.decode()
    program = [sys.executable, "-m", "tests.integration.outreach.crashing_sender"]
    return await asyncio.create_subprocess_exec(
        *program, office.url, str(smtp_port), key, point, *sms_url, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )


@pytest.mark.parametrize(
    ("step", "answer", "state", "in_reason"),
    [
        ("mail", "421 too busy", "queued", "421"),
        ("rcpt", "450 greylisted", "queued", "450"),
        ("data", "451 refused for now", "queued", "451"),
        ("rcpt", "550 5.1.1 no such user", "failed", "550"),
        ("data", "554 5.7.1 refused as spam", "failed", "554"),
    ],
)
async def test_each_answer_of_the_server_has_its_outcome(office, tenant, smtp, step, answer, state, in_reason):
    approved = await office.approved(tenant, await office.captured(tenant))
    smtp.answers[step] = answer
    await office.send()
    dispatch = await office.dispatch(tenant, approved["dispatch_id"])
    assert dispatch["state"] == state
    assert in_reason in dispatch["reason"]


async def test_a_temporary_refusal_is_tried_again_with_the_same_message_id(office, tenant, smtp):
    approved = await office.approved(tenant, await office.captured(tenant))
    smtp.answers["rcpt"] = "450 greylisted"
    await office.send()
    first = await office.dispatch(tenant, approved["dispatch_id"])
    smtp.reset()
    await office.send()
    assert not smtp.to(approved["to"]), "the back-off has not passed"
    office.advance(minutes=2)
    await office.send()
    again = await office.dispatch(tenant, approved["dispatch_id"])
    assert (again["state"], again["attempts"], again["message_id"]) == ("sent", 2, first["message_id"])
    assert len(smtp.to(approved["to"])) == 1


async def test_after_two_days_of_temporary_refusals_it_is_given_up(office, tenant, smtp):
    approved = await office.approved(tenant, await office.captured(tenant))
    smtp.answers["mail"] = "451 not now"
    for _ in range(60):
        await office.send()
        office.advance(hours=1)
    dispatch = await office.dispatch(tenant, approved["dispatch_id"])
    assert dispatch["state"] == "failed"
    assert "given up after 48 hours" in dispatch["reason"]


async def test_no_server_at_all_is_provably_not_sent(office, tenant):
    from services.outreach.sending.gateways import Smtp

    approved = await office.approved(tenant, await office.captured(tenant))
    await office.send(mailer=Smtp("127.0.0.1", 1, timeout=2))
    dispatch = await office.dispatch(tenant, approved["dispatch_id"])
    assert dispatch["state"] == "queued"
    assert "connect" in dispatch["reason"]


async def test_silence_after_the_message_is_unknown_and_waits_for_an_operator(office, tenant, smtp, bus):
    approved = await office.approved(tenant, await office.captured(tenant))
    smtp.on["data"] = lambda: asyncio.sleep(3)
    await office.send(timeout=0.5)
    dispatch = await office.dispatch(tenant, approved["dispatch_id"])
    assert dispatch["state"] == "unknown"
    smtp.reset()
    office.advance(hours=1)
    await office.send()
    assert len(smtp.to(approved["to"])) == 1
    url = f"/v1/dispatches/{approved['dispatch_id']}/resolve"
    async with office.client(tenant, "reviewer") as http:
        assert (await http.post(url, json={"outcome": "sent", "note": "seen"})).status_code == 403
    async with office.client(tenant, "operator") as http:
        answer = await http.post(url, json={"outcome": "sent", "note": "seen in the mailbox"})
        assert answer.json()["state"] == "sent"
        assert (await http.post(url, json={"outcome": "failed", "note": "no"})).status_code == 409
    assert (await bus.read("message.sent", tenant=tenant))[0].data["message_id"] == dispatch["message_id"]


async def test_a_sender_that_never_ends_is_given_up_and_its_late_answer_counts(office, tenant, smtp):
    approved = await office.approved(tenant, await office.captured(tenant))
    arrived, release = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        arrived.set()
        await release.wait()

    smtp.on["data"] = hold
    sending = asyncio.create_task(office.sender(limit=20, timeout=20).step(office.database))
    await arrived.wait()
    await office.lease_runs_out()
    assert (await office.dispatch(tenant, approved["dispatch_id"]))["state"] == "unknown"
    release.set()
    await sending
    assert (await office.dispatch(tenant, approved["dispatch_id"]))["state"] == "sent"


async def test_many_senders_send_each_message_once(office, tenant, smtp):
    approved = [await office.approved(tenant, await office.captured(tenant)) for _ in range(25)]
    await asyncio.gather(*(office.send() for _ in range(8)))
    assert [len(smtp.to(each["to"])) for each in approved] == [1] * 25


async def test_nothing_enters_sending_after_an_opt_out(office, tenant, smtp):
    """Opt-outs and senders race for the address row; whoever comes second sees the first."""
    pairs = []
    for _ in range(20):
        lead = await office.captured(tenant)
        pairs.append((lead, await office.approved(tenant, lead)))
    order: dict[str, str] = {}

    async def opt_out(lead, approved) -> None:
        async with office.client(tenant, "operator") as http:
            answer = await http.post("/v1/suppressions", json={"channel": "all", "address": approved["to"]})
            assert answer.status_code == 201, answer.text
        state = (await office.dispatch(tenant, approved["dispatch_id"]))["state"]
        order[approved["dispatch_id"]] = state

    await asyncio.gather(*(opt_out(*pair) for pair in pairs), *(office.send() for _ in range(4)))
    await office.send()
    for _, approved in pairs:
        final = await office.dispatch(tenant, approved["dispatch_id"])
        if order[approved["dispatch_id"]] == "queued":
            assert final["state"] == "refused", "an opt-out was committed before, and yet it left"
            assert not smtp.to(approved["to"])
        assert final["state"] in ("sent", "refused")


async def test_a_sender_waits_for_an_opt_out_under_way_and_then_obeys_it(office, tenant, smtp, eventually):
    approved = await office.approved(tenant, await office.captured(tenant))
    admin = await asyncpg.connect(office.url)
    async with office.database.tenant(tenant) as work:
        wish = Wish("all", "operator", "human:ann")
        await suppress_address(work, office.context.keys, tenant, approved["to"], wish)
        sending = asyncio.create_task(office.send())

        await eventually(lambda: held_back(sending, admin))
    await sending
    await admin.close()
    assert not smtp.to(approved["to"])
    assert (await office.dispatch(tenant, approved["dispatch_id"]))["state"] == "refused"


async def test_a_message_on_its_way_when_the_lead_opts_out_is_shown_as_crossed(office, tenant, smtp):
    lead = await office.captured(tenant)
    approved = await office.approved(tenant, lead)

    async def opt_out() -> None:
        async with office.client(tenant, "operator") as http:
            await http.post("/v1/suppressions", json={"channel": "all", "address": approved["to"]})

    smtp.on["rcpt"] = opt_out
    await office.send()
    dispatch = await office.dispatch(tenant, approved["dispatch_id"])
    assert (dispatch["state"], dispatch["crossed"]) == ("sent", True)


@pytest.mark.parametrize(
    ("happens", "because"),
    [
        ("consent is denied", "denied"),
        ("the address changes", "changed"),
        ("the stage moves on", "makes no sense"),
        ("the lead is merged", "merged"),
        ("the lead is erased", None),
    ],
)
async def test_what_has_changed_since_the_approval_is_refused_with_the_reason(office, tenant, smtp, happens, because):
    lead = await office.captured(tenant)
    approved = await office.approved(tenant, lead)
    match happens:
        case "consent is denied":
            await office.updated(tenant, lead, email=approved["to"], consent={"email": "denied"})
        case "the address changes":
            await office.updated(tenant, lead, email="new@example.com")
        case "the stage moves on":
            await office.moved(tenant, lead, "contacted", rule="first-message")
        case "the lead is merged":
            kept = await office.captured(tenant)
            data = {"lead_id": str(kept), "alias_id": str(lead), "merge_id": str(lead), "version": 1}
            await office.publish(tenant, kept, "lead.merged", data)
        case "the lead is erased":
            await office.publish(tenant, lead, "lead.erased", {"lead_id": str(lead)})
    await office.send()
    assert not smtp.to(approved["to"])
    if because:
        dispatch = await office.dispatch(tenant, approved["dispatch_id"])
        assert dispatch["state"] == "refused"
        assert because in dispatch["reason"]


async def test_a_cap_and_spacing_hold_messages_back(office, tenant, smtp):
    async with office.client(tenant, "admin") as http:
        box = {"from": "sales@acme.example", "per_day": 2, "spacing_seconds": 60}
        assert (await http.put("/v1/settings", json={"mailboxes": [box]})).status_code == 200
    approved = [await office.approved(tenant, await office.captured(tenant)) for _ in range(3)]

    def left() -> int:
        return sum(len(smtp.to(each["to"])) for each in approved)

    await office.send()
    assert left() == 1
    office.advance(seconds=61)
    await office.send()
    assert left() == 2
    office.advance(seconds=200)
    await office.send()
    assert left() == 2, "two a day"
    office.advance(days=1)
    await office.send()
    assert left() == 3


async def test_a_closed_window_waits_in_the_leads_time_zone(office, tenant, smtp):
    from datetime import UTC, datetime, timedelta
    from zoneinfo import ZoneInfo

    there = (datetime.now(UTC) + timedelta(hours=2)).astimezone(ZoneInfo("Asia/Tokyo"))
    opens = f"{there.hour:02d}:00"
    window = {"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "start": opens, "end": "24:00"}
    if there.hour == 0:
        window["start"] = "00:30"
    async with office.client(tenant, "admin") as http:
        assert (await http.put("/v1/settings", json={"window": window})).status_code == 200
    approved = await office.approved(tenant, await office.captured(tenant, timezone="Asia/Tokyo"))
    await office.send()
    dispatch = await office.dispatch(tenant, approved["dispatch_id"])
    assert (dispatch["state"], dispatch["reason"]) == ("queued", "outside the sending window")
    office.advance(hours=3)
    await office.send()
    assert len(smtp.to(approved["to"])) == 1


async def test_an_sms_needs_consent_and_goes_by_the_provider(office, tenant, bus):
    import json

    lead = await office.captured(tenant, phone="+4915112345678")
    async with office.client(tenant, "reviewer") as http:
        body = {"lead_id": str(lead), "kind": "first", "channel": "sms", "body": "Hi Ada"}
        refused = await http.post("/v1/drafts", json=body)
        assert (refused.status_code, refused.json()["detail"]) == (409, "nobody gave consent for sms")
    await office.updated(tenant, lead, phone="+4915112345678", consent={"sms": "granted"})
    approved = await office.approved(tenant, lead, channel="sms", subject=None, body="Hi Ada")
    await office.send()
    lines = [json.loads(line) for line in office.sms_file.read_text().splitlines()]
    line = next(line for line in lines if approved["dispatch_id"].replace("-", "") in line["message_sid"])
    assert (line["to"], line["body"]) == ("+4915112345678", "Hi Ada")
    sent = (await bus.read("message.sent", tenant=tenant))[0]
    assert sent.data["channel"] == "sms"


async def test_a_mailbox_is_only_a_setting_away(office, tenant, smtp):
    approved = await office.approved(tenant, await office.captured(tenant))
    assert approved["from"] == f"sales@{tenant}.leadflow.example"
    await office.send()
    assert smtp.to(approved["to"])[0]["From"] == approved["from"]
