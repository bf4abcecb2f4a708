"""From which address a draft is sent, to which, and how it is signed."""

from dataclasses import dataclass

from services.outreach.drafts.store.conversations import Conversation
from services.outreach.schemas import Mailbox, OutreachSettings
from services.outreach.sending.message import Message, thread_headers, valid_message
from services.outreach.settings import Settings
from services.outreach.store import Lead, mailboxes_of
from shared.errors import Invalid


@dataclass(frozen=True, slots=True)
class SenderAddresses:
    """The addresses that messages are sent from when the tenant has set none."""

    mail_domain: str
    sms_from: str

    def own_domains(self, settings: OutreachSettings, tenant: str) -> frozenset[str]:
        """The domains that the tenant's mailboxes are in: links to them are the tenant's own."""
        boxes = mailboxes_of(settings, tenant, self.mail_domain)
        return frozenset(box.from_.rpartition("@")[2].lower() for box in boxes)


def sender_addresses(settings: Settings) -> SenderAddresses:
    """Those of the deployment."""
    return SenderAddresses(settings.mail_domain, settings.sms_from)


def addressed_message(
    lead: Lead,
    settings: OutreachSettings,
    sender: SenderAddresses,
    channel: str,
    subject: str | None,
    body: str,
    conversation: Conversation | None,
) -> Message:
    """The message to the lead's present address; an e-mail continues the conversation that is given.

    Raises Invalid when it cannot be sent as it is.
    """
    address = lead.address(channel)
    if not address:
        raise Invalid(f"the lead has no address for {channel}")
    from_ = from_address(lead, settings, sender, channel)
    if channel == "sms":
        return valid_message("sms", from_, address, None, body)
    headers = thread_headers(conversation.answers, conversation.earlier) if conversation else {}
    return valid_message("email", from_, address, subject, body, headers)


def from_address(lead: Lead, settings: OutreachSettings, sender: SenderAddresses, channel: str) -> str:
    """The address that messages to the lead are sent from."""
    if channel == "sms":
        return settings.sms_from or sender.sms_from
    return _mailbox_of(lead, settings, sender).from_


def signature_of(lead: Lead, settings: OutreachSettings, sender: SenderAddresses) -> str:
    """The name that signs messages to the lead: of its mailbox, or made from the mailbox's address."""
    box = _mailbox_of(lead, settings, sender)
    return box.name or box.from_.partition("@")[0].replace(".", " ").title()


def _mailbox_of(lead: Lead, settings: OutreachSettings, sender: SenderAddresses) -> Mailbox:
    """The mailbox that writes to the lead, always the same one."""
    boxes = mailboxes_of(settings, lead.tenant, sender.mail_domain)
    return boxes[lead.lead_id.int % len(boxes)]
