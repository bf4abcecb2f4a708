"""From which domains a tenant may send. Domains are compared in the form of DNS: A-labels (RFC 5890), lower case."""

import re
from collections.abc import Collection

_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")


def default_domain(tenant: str, mail_domain: str) -> str:
    """The domain of the tenant's default mailbox: nobody else may send from it."""
    return f"{tenant}.{mail_domain}".lower()


def is_own_domain(domain: str | None, tenant: str, mail_domain: str, allowed: Collection[str]) -> bool:
    """Whether this is the tenant's default domain or one that it was given. A subdomain is a domain of its own."""
    return domain is not None and domain.lower() in {default_domain(tenant, mail_domain), *allowed}


def domain_fault(domain: str, mail_domain: str) -> str | None:
    """Why the domain cannot be given to a tenant, or None."""
    labels = domain.split(".")
    if len(labels) < 2 or not all(_LABEL.fullmatch(label) for label in labels):
        return "is not a domain"
    if domain == mail_domain or domain.endswith(f".{mail_domain}"):
        return f"is a domain of this deployment: each tenant has its own below {mail_domain} anyway"
    return None
