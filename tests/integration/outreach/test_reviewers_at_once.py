"""Two reviewers at once: the second waits for the first, then sees the text and the state that the first committed."""

import asyncio
from uuid import UUID

import asyncpg
import pytest

from services.outreach.drafts.use_cases import review
from services.outreach.drafts.use_cases.addressing import SenderAddresses
from tests.integration.outreach.meanwhile import waits_for_lock


@pytest.fixture
async def pending(office, tenant):
    return await office.draft(tenant, await office.captured(tenant))


async def while_bob_edits(office, tenant, draft, eventually, other, *, approves: bool = False):
    """Begin `other` before Bob's edit (and approval) commits; its answer after the commit."""
    admin = await asyncpg.connect(office.url)
    draft_id = UUID(draft["draft_id"])
    sender = SenderAddresses(office.context.settings.mail_domain, office.context.settings.sms_from)
    async with office.database.tenant(tenant) as work:
        sha256 = await review.edit(work, tenant, draft_id, "human:bob", "*", None, "Edited by Bob.\n", sender)
        if approves:
            await review.approve(work, office.context.keys, tenant, draft_id, "human:bob", sha256)
        task = asyncio.create_task(other())

        await eventually(lambda: waits_for_lock(task, admin))
    await admin.close()
    return await task


def asked(office, tenant, draft, action: str):
    bodies = {
        "approve": {"sha256": draft["sha256"]},
        "reject": {"reason": "too long"},
        "regenerate": {"instruction": "shorter"},
        "edit": {"body": "Edited by Ann.\n"},
        "claim": None,
    }

    async def ask():
        async with office.client(tenant, "reviewer") as http:
            headers = {"If-Match": f'"{draft["version"]}"'} if action == "edit" else {}
            return await http.post(f"/v1/drafts/{draft['draft_id']}/{action}", json=bodies[action], headers=headers)

    return ask


@pytest.mark.parametrize(
    ("action", "code"), [("approve", 409), ("reject", 200), ("regenerate", 202), ("edit", 412), ("claim", 200)]
)
async def test_an_action_during_an_edit_sees_the_new_text(office, tenant, pending, eventually, action, code):
    answer = await while_bob_edits(office, tenant, pending, eventually, asked(office, tenant, pending, action))
    assert answer.status_code == code, answer.text
    async with office.client(tenant, "viewer") as http:
        draft = (await http.get(f"/v1/drafts/{pending['draft_id']}")).json()
    assert draft["body"] == "Edited by Bob.\n"
    assert draft["state"] == {"reject": "rejected", "regenerate": "superseded"}.get(action, "pending")


@pytest.mark.parametrize("action", ["approve", "reject", "regenerate", "edit", "claim"])
async def test_an_action_during_an_approval_is_too_late(office, tenant, pending, eventually, action):
    ask = asked(office, tenant, pending, action)
    answer = await while_bob_edits(office, tenant, pending, eventually, ask, approves=True)
    assert (answer.status_code, answer.json()["detail"]) == (409, "the draft is approved")


async def test_a_stage_change_during_an_edit_supersedes_the_draft(office, tenant, pending, eventually):
    async def move() -> None:
        await office.moved(tenant, UUID(pending["lead_id"]), "contacted", rule="first-message")

    await while_bob_edits(office, tenant, pending, eventually, move)
    async with office.client(tenant, "viewer") as http:
        draft = (await http.get(f"/v1/drafts/{pending['draft_id']}")).json()
    assert (draft["state"], draft["body"]) == ("superseded", "Edited by Bob.\n")
