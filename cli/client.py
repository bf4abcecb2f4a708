"""HTTP clients of the services of a local run."""

from pathlib import Path
from typing import Any


def http_client(data: Path, service: str, tenant: str, *roles: str) -> Any:
    """An httpx.Client for a running service, with a token for these roles. Raises NotRunning."""
    import httpx

    from deploy.local.identity import Identity
    from deploy.local.run_record import RunRecord

    record = RunRecord.load_running(data)
    identity = Identity(data, issuer=record.issuer, audience=record.audience)
    token = identity.sign_token(tenant, roles, subject="cli", ttl=24 * 3600)
    return httpx.Client(
        base_url=record.services[service].url,
        headers={"Authorization": f"Bearer {token}"},
        timeout=30,
        trust_env=False,
    )
