"""Sending: what is sent, what waits, what is refused, and that no message is ever sent twice."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import asyncpg
import pytest

from services.outreach.sending.workers import expire_leases
from services.outreach.suppression.use_cases import SuppressionRequest, suppress_address
from tests.integration.outreach.crashing_sender import LIMIT, STOPPED
from tests.integration.outreach.meanwhile import waits_for_lock

ROOT = Path(__file__).parents[3]

POINTS = {
    # point: (state afterwards, copies sent)
    "leased, not committed": ("queued", 0),
    "committed, nothing sent": ("unknown", 0),
    "smtp: ehlo": ("unknown", 0),
    "smtp: mail": ("unknown", 0),
    "smtp: rcpt": ("unknown", 0),
    "smtp: data": ("unknown", 1),
    "answered, not recorded": ("unknown", 1),
    "recorded, not committed": ("unknown", 1),
    "recorded": ("sent", 1),
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
        await expire_leases(office.database)
    assert len(smtp.to(approved["to"])) == (1 if expected == "queued" else copies)


async def _send_and_die(office, smtp, point: str) -> int:
    child = await start_crashing_sender(office, smtp.port, point)
    if point.startswith("smtp: "):
        smtp.on[point.removeprefix("smtp: ")] = lambda: os.kill(child.pid, signal.SIGKILL)
    return await asyncio.wait_for(child.wait(), 60)


async def start_crashing_sender(office, smtp_port: int, point: str, *sms_url: str) -> asyncio.subprocess.Process:
    """A sender in its own process that dies at `point`, or when the caller kills it."""
    key = office.context.keys.secret.decode()
    program = [sys.executable, "-m", "tests.integration.outreach.crashing_sender"]
    return await asyncio.create_subprocess_exec(
        *program, office.url, str(smtp_port), key, point, *sms_url, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )


def state_of(pid: int) -> str:
    """The state of a process in a letter, "T" where it is stopped (proc_pid_stat(5))."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


@pytest.mark.parametrize(("expires", "state"), [(False, "queued"), (True, "unknown")])
async def test_a_sender_that_was_stopped_sends_nothing_once_its_lease_has_no_room(
    office, tenant, smtp, eventually, expires, state
):
    approved = await office.approved(tenant, await office.captured(tenant))
    child = await start_crashing_sender(office, smtp.port, STOPPED)

    async def stopped() -> bool:
        return state_of(child.pid) == "T"

    await eventually(stopped)
    await asyncio.sleep(LIMIT * 1.5)
    if expires:
        await office.lease_runs_out()
    child.send_signal(signal.SIGCONT)
    assert await asyncio.wait_for(child.wait(), 60) == 0
    assert not smtp.to(approved["to"])
    dispatch = await office.dispatch(tenant, approved["dispatch_id"])
    assert dispatch["state"] == state
    if state == "queued":
        assert dispatch["reason"].startswith("not sent: the sender was held up")
        office.advance(minutes=2)
        await office.send()
        assert len(smtp.to(approved["to"])) == 1


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
    assert "given up after 49 attempts" in dispatch["reason"]


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
    """Opt-outs and senders race for the address row; the second one sees what the first has committed."""
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
            assert final["state"] == "refused", "it was sent after an opt-out had been committed"
            assert not smtp.to(approved["to"])
        assert final["state"] in ("sent", "refused")


async def test_a_sender_waits_for_an_opt_out_under_way_and_then_obeys_it(office, tenant, smtp, eventually):
    approved = await office.approved(tenant, await office.captured(tenant))
    admin = await asyncpg.connect(office.url)
    async with office.database.tenant(tenant) as work:
        request = SuppressionRequest("all", "operator", "human:ann")
        await suppress_address(work, office.context.keys, tenant, approved["to"], request)
        sending = asyncio.create_task(office.send())

        await eventually(lambda: waits_for_lock(sending, admin))
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
