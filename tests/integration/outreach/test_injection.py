"""Text that tries to be more than text: header injection, template code, addresses."""

import pytest

from tests.integration.outreach.test_composing import drafts

ENCODED = (
    "=?utf-8?q?Tea=0D=0ABcc=3A_boss=40evil.example?=",
    "=?utf-8?b?VGVhDQpCY2M6IGJvc3NAZXZpbC5leGFtcGxl?=",
)
RAW = "Tea\r\nBcc: boss@evil.example"


@pytest.mark.parametrize("company", [*ENCODED, RAW, "{{ 7 * 7 }} {% include 'x' %}"])
async def test_a_company_name_cannot_inject_a_header_or_template_code(office, tenant, smtp, company):
    """The built-in subject names the company as plain text, or not at all when a header could not carry it."""
    lead = await office.captured(tenant, company=company)
    async with office.client(tenant, "reviewer") as http:
        await http.post("/v1/drafts", json={"lead_id": str(lead), "kind": "first"})
        await office.compose()
        (draft,) = await drafts(office, tenant)
        assert draft["subject"] == (
            "A short question" if "evil" in company or "=?" in company else f"A question about {company}"
        )
        body = {"sha256": draft["sha256"]}
        assert (await http.post(f"/v1/drafts/{draft['draft_id']}/approve", json=body)).status_code == 200
    recipients = len(smtp.recipients)
    await office.send()
    (mail,) = smtp.to(draft["to"])
    assert mail["Bcc"] is None and mail["Subject"] == draft["subject"]
    assert smtp.recipients[recipients:] == [draft["to"]]


@pytest.mark.parametrize("subject", [*ENCODED, RAW, "Tea\x07", "Tea\u2028Bcc: boss@evil.example"])
async def test_a_subject_that_a_person_writes_cannot_inject_a_header(office, tenant, subject):
    lead = await office.captured(tenant)
    body = {"lead_id": str(lead), "kind": "first", "channel": "email", "subject": subject, "body": "Tea?"}
    async with office.client(tenant, "reviewer") as http:
        answer = await http.post("/v1/drafts", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "subject"
    assert await drafts(office, tenant) == []


async def test_a_body_that_looks_like_headers_is_sent_as_a_body(office, tenant, smtp):
    text = "Bcc: boss@evil.example\n\n.\nQUIT\n{{ company }} =?utf-8?q?=0D=0A?=\n"
    approved = await office.approved(tenant, await office.captured(tenant), body=text, acknowledge=True)
    await office.send()
    (mail,) = smtp.to(approved["to"])
    assert mail["Bcc"] is None
    assert mail.get_body(("plain",)).get_content().replace("\r\n", "\n") == text
