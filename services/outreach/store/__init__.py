"""Queries on what all parts share: leads as outreach knows them, their state and mode, the tenants' settings."""

from services.outreach.store.leads import (
    Lead,
    address_hashes_of,
    all_ids_of,
    last_reply_at,
    lead_ids_of,
    lead_of,
    leads_of,
    lock_leads_shared,
    replies_since,
    reply_ids_of,
    schedule_check_ins,
)
from services.outreach.store.settings import (
    hold_settings,
    lock_settings,
    mailboxes_of,
    save_settings,
    service_key,
    settings_of,
    settings_of_all,
    settings_version,
    zone_name,
)

__all__ = [
    "Lead",
    "address_hashes_of",
    "all_ids_of",
    "hold_settings",
    "last_reply_at",
    "lead_ids_of",
    "lead_of",
    "leads_of",
    "lock_leads_shared",
    "lock_settings",
    "mailboxes_of",
    "replies_since",
    "reply_ids_of",
    "save_settings",
    "schedule_check_ins",
    "service_key",
    "settings_of",
    "settings_of_all",
    "settings_version",
    "zone_name",
]
