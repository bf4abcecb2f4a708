"""The providers whose inbound webhooks are understood, by the name in the URL."""

from collections.abc import Awaitable, Callable, Mapping

from services.outreach.mail_providers import mailgun, postmark, sendgrid, ses
from services.outreach.mail_providers.webhooks import Webhook
from services.outreach.settings import Settings

PROVIDERS: Mapping[str, Callable[[Settings, Webhook], Awaitable[bytes | None]]] = {
    "mailgun": mailgun.raw_mail,
    "postmark": postmark.raw_mail,
    "sendgrid": sendgrid.raw_mail,
    "ses": ses.raw_mail,
}
"""Each checks the request, and returns the raw mail in it; None when the request is about something else."""
