"""Giving a tenant a domain to send from, and taking it back: for the deployment's operators, not for the API."""

from services.outreach.address_forms import ascii_domain
from services.outreach.sending import store
from services.outreach.sending.rules import default_domain, domain_fault
from shared.db import UnitOfWork
from shared.errors import Conflict, Invalid, NotFound
from shared.names import TENANT_FORM, is_tenant


async def allow(work: UnitOfWork, tenant: str, domain: str, mail_domain: str) -> str:
    """Give the domain to the tenant; the domain as it is stored. Raises Conflict when it belongs to another one."""
    if not is_tenant(tenant):
        raise Invalid(f"{tenant!r} is no tenant: its name has the form {TENANT_FORM}")
    name = _checked(domain, mail_domain)
    if not await store.allow_domain(work, tenant, name):
        raise Conflict(f"{name} belongs to another tenant already")
    return name


async def withdraw(work: UnitOfWork, tenant: str, domain: str, mail_domain: str) -> str:
    """Take the domain from the tenant. Raises NotFound when the tenant does not have it."""
    name = _checked(domain, mail_domain)
    if not await store.withdraw_domain(work, tenant, name):
        raise NotFound(f"{tenant} was not given {name}")
    return name


async def all_domains(work: UnitOfWork, tenant: str, mail_domain: str) -> list[str]:
    """The domains that the tenant may send from, its default domain first."""
    return [default_domain(tenant, mail_domain), *await store.sending_domains(work, tenant)]


def _checked(domain: str, mail_domain: str) -> str:
    """The domain as it is stored. Raises Invalid when it cannot be given to a tenant."""
    name = (ascii_domain(f"x@{domain.strip().removeprefix('@')}") or "").lower()
    if fault := domain_fault(name, mail_domain):
        raise Invalid(f"{domain!r} {fault}")
    return name
