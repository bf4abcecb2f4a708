"""Queries on addresses, on the suppression list, on opted-out leads, and on the jobs of blocklisted domains.

Sending, and every change of an address or of its suppressions, locks the row of the address first (`lock_addresses`).
"""

from services.outreach.suppression.store.addresses import (
    AddressState,
    address_states,
    lock_addresses,
    lock_domains,
    save_state,
)
from services.outreach.suppression.store.domain_jobs import (
    DomainJob,
    add_domain_job,
    advance_domain_job,
    finish_domain_job,
    lock_domain_job,
    next_domain_job,
)
from services.outreach.suppression.store.leads import (
    blocklisted_among,
    clear_opt_out,
    leads_with,
    mark_all_with,
    mark_opted_out,
)
from services.outreach.suppression.store.suppressions import (
    NewSuppressionRow,
    active_of_reply,
    add,
    find_active,
    get,
    page,
    retract,
    suppressions_of,
)

__all__ = [
    "AddressState",
    "DomainJob",
    "NewSuppressionRow",
    "active_of_reply",
    "add",
    "add_domain_job",
    "address_states",
    "advance_domain_job",
    "blocklisted_among",
    "clear_opt_out",
    "find_active",
    "finish_domain_job",
    "get",
    "leads_with",
    "lock_addresses",
    "lock_domain_job",
    "lock_domains",
    "mark_all_with",
    "mark_opted_out",
    "next_domain_job",
    "page",
    "retract",
    "save_state",
    "suppressions_of",
]
