"""From which domains a tenant may send."""

import re
from collections.abc import Collection

from services.outreach.sending.message import ascii_domain
from shared.errors import Invalid

_LABEL = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)")


def default_domain(tenant: str, mail_domain: str) -> str:
    """The domain of the tenant's default mailbox: nobody else may send from it."""
    return f"{tenant}.{mail_domain}".lower()


def may_send_from(address: str, tenant: str, mail_domain: str, allowed: Collection[str]) -> bool:
    """Whether the address is in the tenant's default domain or in one that it was given. Subdomains are domains."""
    domain = ascii_domain(address)
    return domain is not None and (domain.lower() == default_domain(tenant, mail_domain) or domain.lower() in allowed)


def domain_to_allow(given: str, mail_domain: str) -> str:
    """The domain in the form in which it is stored: lower case, A-labels (RFC 5890).

    Raises Invalid for what is no domain, and for a domain of the deployment, which belongs to the tenant it names.
    """
    name = ascii_domain(f"x@{given.strip().removeprefix('@')}")
    if name is None or "." not in name.strip(".") or not all(_LABEL.fullmatch(label) for label in name.split(".")):
        raise Invalid(f"{given!r} is not a domain")
    name = name.lower()
    if name == mail_domain or name.endswith(f".{mail_domain}"):
        raise Invalid(f"{name} is a domain of this deployment: each tenant has its own below {mail_domain} anyway")
    return name
