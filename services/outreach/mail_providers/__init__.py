"""Inbound mail by webhook: the requests of mail providers, their signatures, and the raw mail in each."""

from services.outreach.mail_providers.providers import PROVIDERS
from services.outreach.mail_providers.webhooks import Webhook

__all__ = ["PROVIDERS", "Webhook"]
