"""What a deployment sends by when it says nothing of it: as mail servers want it, and never into a file."""

from datetime import UTC, datetime

from services.outreach.app import _sms_provider
from services.outreach.sending.gateways import FileSms, NoSms, OutboundSms, TwilioSms
from services.outreach.settings import Settings


def settings(**more: str) -> Settings:
    return Settings(database_url="postgresql://nobody@127.0.0.1:1/nothing", **more)


def test_mails_are_submitted_over_an_encrypted_connection() -> None:
    given = settings()
    assert (given.smtp_port, given.smtp_starttls) == (587, True)


async def test_without_a_provider_a_text_message_waits_and_says_why() -> None:
    assert isinstance(_sms_provider(settings(sms_provider="twilio")), TwilioSms)
    assert isinstance(_sms_provider(settings(sms_provider="file")), FileSms)
    provider = _sms_provider(settings())
    assert isinstance(provider, NoSms)
    sms = OutboundSms("one", "+12025550100", "+4915112345678", "Hello", datetime(2026, 1, 1, tzinfo=UTC), "")
    outcome = await provider.send(sms)
    assert outcome.state == "queued"
    assert "LEADFLOW_OUTREACH_SMS_PROVIDER" in outcome.reason
