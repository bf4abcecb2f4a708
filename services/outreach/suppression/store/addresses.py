"""Queries on the state of addresses, and the locks on addresses and mail domains."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.outreach.store import Lead
from shared.db import UnitOfWork

AddressKey = tuple[str, str, bytes]
"""(tenant, channel, keyed hash)."""


@dataclass(frozen=True, slots=True)
class AddressState:
    """The state of an address, its row locked, and when its soft failures were."""

    state: str
    soft_failures: list[datetime]


async def lock_addresses(work: UnitOfWork, addresses: Iterable[AddressKey]) -> dict[AddressKey, AddressState]:
    """Lock the rows of these addresses, creating those that are missing. The order is the same everywhere."""
    wanted = sorted(set(addresses))
    if not wanted:
        return {}
    columns = {
        "tenants": [tenant for tenant, _, _ in wanted],
        "channels": [channel for _, channel, _ in wanted],
        "hashes": [hash for _, _, hash in wanted],
    }
    await work.run(
        """
        INSERT INTO address (tenant_id, channel, address_hash)
        SELECT * FROM unnest(CAST(:tenants AS text[]), CAST(:channels AS text[]), CAST(:hashes AS bytea[]))
        ON CONFLICT DO NOTHING
        """,
        **columns,
    )
    rows = await work.fetch(
        """
        SELECT a.* FROM address a
        JOIN unnest(CAST(:tenants AS text[]), CAST(:channels AS text[]), CAST(:hashes AS bytea[]))
             AS w (tenant_id, channel, address_hash)
          ON a.tenant_id = w.tenant_id AND a.channel = w.channel AND a.address_hash = w.address_hash
        ORDER BY a.tenant_id, a.channel, a.address_hash
        FOR UPDATE OF a
        """,
        **columns,
    )
    return {
        (row["tenant_id"], row["channel"], bytes(row["address_hash"])): AddressState(row["state"], row["soft_failures"])
        for row in rows
    }


async def lock_domains(work: UnitOfWork, domains: Iterable[tuple[str, bytes]], *, shared: bool) -> None:
    """Lock mail domains, given as (tenant, hash): shared to use an address, exclusively to blocklist the domain."""
    keys = sorted({int.from_bytes(hash[:8], "big", signed=True) for _, hash in domains})
    if keys:
        function = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
        await work.run(f"SELECT {function}(k) FROM unnest(CAST(:keys AS bigint[])) AS k", keys=keys)


async def address_states(work: UnitOfWork, lead: Lead) -> dict[str, str]:
    """The state of each of the lead's addresses, by channel."""
    rows = await work.fetch(
        """
        SELECT channel, state FROM address
        WHERE tenant_id = :tenant AND ((channel = 'email' AND address_hash = :email)
                                    OR (channel = 'sms' AND address_hash = :phone))
        """,
        tenant=lead.tenant,
        email=lead.email_hash,
        phone=lead.phone_hash,
    )
    return {"email": "valid", "sms": "valid"} | {row["channel"]: row["state"] for row in rows}


async def save_state(work: UnitOfWork, address: AddressKey, state: str, soft_failures: Sequence[datetime]) -> None:
    """Save the state of a locked address."""
    await work.run(
        """
        UPDATE address SET state = :state, soft_failures = CAST(:softs AS timestamptz[])
        WHERE tenant_id = :tenant AND channel = :channel AND address_hash = :hash
        """,
        state=state,
        softs=list(soft_failures),
        tenant=address[0],
        channel=address[1],
        hash=address[2],
    )
