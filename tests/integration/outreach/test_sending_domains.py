"""A tenant sends from its own domains, numbers and names only: checked when one is set, and again when a message is
sent."""

from uuid import uuid4

import pytest
from typer.testing import CliRunner

from cli.errors import Refused
from cli.main import app
from services.outreach.sending import store
from services.outreach.sending.use_cases import sending_domains
from services.outreach.settings import Settings

MAIL_DOMAIN = "leadflow.example"


@pytest.fixture
def domain() -> str:
    """A domain that no other test gives to anybody."""
    return f"d{uuid4().hex[:12]}.example"


async def set_mailbox(office, tenant, address):
    async with office.client(tenant, "admin") as http:
        return await http.put("/v1/settings", json={"mailboxes": [{"from": address}]})


async def allow(office, tenant, domain):
    async with office.database.worker([tenant]) as work:
        return await sending_domains.allow(work, tenant, domain, MAIL_DOMAIN)


@pytest.mark.parametrize(
    "address",
    [
        "ceo@bigbank.example",
        "sales@globex.leadflow.example",
        "sales@leadflow.example",
        "a@sub.{own}",
        "a@{own}.evil.com",
    ],
)
async def test_a_mailbox_in_a_domain_of_somebody_else_is_refused(office, tenant, address):
    answer = await set_mailbox(office, tenant, address.format(own=f"{tenant}.{MAIL_DOMAIN}"))
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["field"] == "mailboxes.0.from"
    assert f"{tenant}.{MAIL_DOMAIN}" in error["message"], "the domains that it may use are named"
    async with office.client(tenant, "viewer") as http:
        (box,) = (await http.get("/v1/settings")).json()["mailboxes"]
    assert box["from"] == f"sales@{tenant}.{MAIL_DOMAIN}"


async def test_any_address_of_the_default_domain_and_of_a_given_one_is_accepted(office, tenant, domain, smtp):
    assert (await set_mailbox(office, tenant, f"ann@{tenant}.{MAIL_DOMAIN}")).status_code == 200
    await allow(office, tenant, domain.upper())
    assert (await set_mailbox(office, tenant, f"Ann@{domain.title()}")).status_code == 200
    approved = await office.approved(tenant, await office.captured(tenant))
    await office.send()
    (mail,) = smtp.to(approved["to"])
    assert domain in mail["From"].lower()


async def test_a_domain_of_other_letters_is_known_in_both_forms(office, tenant, domain):
    assert (await allow(office, tenant, f"bücher-{domain}")).startswith("xn--bcher-")
    assert (await set_mailbox(office, tenant, f"ann@bücher-{domain}")).status_code == 200


async def test_a_domain_belongs_to_one_tenant(office, tenant, domain):
    await allow(office, tenant, domain)
    assert await allow(office, tenant, domain) == domain, "once more changes nothing"
    other = f"{tenant}-2"
    with pytest.raises(Exception, match="belongs to another tenant"):
        await allow(office, other, domain)
    assert (await set_mailbox(office, other, f"a@{domain}")).status_code == 422


@pytest.mark.parametrize(
    "wrong", ["", "acme", "a b.example", "globex.leadflow.example", "leadflow.example", "-a.example"]
)
async def test_what_is_no_domain_or_the_deployments_own_is_not_given(office, tenant, wrong):
    with pytest.raises(Exception, match=r"is not a domain|domain of this deployment"):
        await allow(office, tenant, wrong)


async def test_an_approved_message_from_a_domain_that_was_withdrawn_is_refused(office, tenant, domain, smtp):
    await allow(office, tenant, domain)
    assert (await set_mailbox(office, tenant, f"ann@{domain}")).status_code == 200
    approved = await office.approved(tenant, await office.captured(tenant))
    async with office.database.worker([tenant]) as work:
        await sending_domains.withdraw(work, tenant, domain, MAIL_DOMAIN)
    await office.send()
    dispatch = await office.dispatch(tenant, approved["dispatch_id"])
    assert (dispatch["state"], dispatch["reason"]) == ("refused", "the tenant may not send from this address")
    assert smtp.to(approved["to"]) == []


async def test_the_role_of_the_api_cannot_give_a_domain(office, tenant, domain):
    async with office.database.tenant(tenant) as work:
        with pytest.raises(Exception, match="permission denied"):
            await store.allow_domain(work, tenant, domain)


def test_operators_give_list_and_withdraw_domains(office, tenant, domain, tmp_path, monkeypatch):
    monkeypatch.setenv("LEADFLOW_OUTREACH_DATABASE_URL", office.url)

    def command(*words):
        return CliRunner().invoke(app, ["tenants", *words, "--data", str(tmp_path)])

    assert command("allow-domain", tenant, domain).output == f"{tenant} may send from {domain}.\n"
    assert command("domains", tenant).output.split() == [f"{tenant}.{MAIL_DOMAIN}", domain]
    assert isinstance(command("allow-domain", f"{tenant}-2", domain).exception, Refused)
    assert command("withdraw-domain", tenant, domain).output == f"{tenant} may not send from {domain} any more.\n"
    assert isinstance(command("withdraw-domain", tenant, domain).exception, Refused)
    assert isinstance(command("allow-domain", "No Tenant", domain).exception, Refused)


async def set_sms_sender(office, tenant, sender):
    async with office.client(tenant, "admin") as http:
        return await http.put("/v1/settings", json={"sms_from": sender})


@pytest.fixture
async def texted(office, tenant):
    """A message to a lead's phone, approved by a person; call it with what the tenant is to send from."""

    async def approve(sender):
        assert (await set_sms_sender(office, tenant, sender)).status_code == 200
        phone = f"+4915{uuid4().int % 10**9:09d}"
        lead = await office.captured(tenant, phone=phone, consent={"sms": "granted"})
        return await office.approved(tenant, lead, channel="sms", subject=None, body="Shall we call you?")

    return approve


@pytest.mark.parametrize("sender", ["+4915112345678", "BigBank", "+1 202 555 0199"])
async def test_a_number_or_name_of_somebody_else_is_refused(office, tenant, settings, sender):
    settings(sms_senders={f"{tenant}-2": [sender]})
    answer = await set_sms_sender(office, tenant, sender)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "sms_from"


async def test_a_number_that_was_given_is_sent_from(office, tenant, settings, texted):
    settings(sms_senders={tenant: ["+49 151 12345678"]})
    approved = await texted("+4915112345678")
    await office.send()
    assert (await office.dispatch(tenant, approved["dispatch_id"]))["state"] == "sent"
    assert "+4915112345678" in office.sms_file.read_text()


async def test_a_text_from_a_number_that_was_withdrawn_is_refused(office, tenant, settings, texted):
    settings(sms_senders={tenant: ["ACME"]})
    approved = await texted("Acme")
    settings(sms_senders={})
    await office.send()
    dispatch = await office.dispatch(tenant, approved["dispatch_id"])
    assert (dispatch["state"], dispatch["reason"]) == ("refused", "the tenant may not send from this address")


def test_one_number_belongs_to_one_tenant():
    with pytest.raises(ValueError, match="is given to two tenants"):
        Settings(sms_senders={"acme": ["+49 151 1"], "globex": ["+491511"]})
    with pytest.raises(ValueError, match="is not the name of a tenant"):
        Settings(sms_senders={"No Tenant": ["+491511"]})
