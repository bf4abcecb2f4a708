"""A realm as a company would make it: people who belong to organisations, machines, and the roles of Leadflow.

The client `leadflow` carries the roles, so that Keycloak puts it into the audience of whoever has one. A machine's
tenant is a claim of its client; a person's is the organisation.
"""

from typing import Any

from shared.names import ROLES

REALM = "sales"
SETTINGS = {
    # Without it, `leadflow up` would bring keys of its own.
    "LEADFLOW_OIDC_JWKS_URL": "",
    "LEADFLOW_OIDC_AUDIENCE": "leadflow",
    "LEADFLOW_OIDC_TENANT_CLAIM": "tenant || organization",
    "LEADFLOW_OIDC_ROLES_CLAIM": "resource_access.leadflow.roles",
    "LEADFLOW_OIDC_LEEWAY_SECONDS": "0",
}
"""What docs/operations/settings.md says for Keycloak, with the claim of the machines before it."""

SECRET = "of-a-client"
PASSWORD = "of-a-person"
_PEOPLE = {
    # name: (roles, organisations)
    "ann": (["reviewer"], ["acme"]),
    "ben": (["viewer"], ["bravo"]),
    "cleo": (["viewer"], ["acme", "bravo"]),
    "dan": (["viewer"], []),
}


def realm() -> dict[str, Any]:
    """The realm as the admin API imports it."""
    machines = [
        _machine("website", "acme"),
        _machine("website-bravo", "bravo"),
        *(_machine(f"website-{name}", "acme", algorithm=name) for name in ("ES256", "PS256", "EdDSA", "HS256")),
        _machine("website-brief", "acme", lifespan=2),
        _machine("somebody-else", "acme", audience="billing"),
        _machine("without-role", "acme", audience="leadflow"),
        # For Kafka: a principal of the catalogue, and one that has no rights.
        _machine("leadflow-migrate", "acme", audience="kafka"),
        _machine("stranger", "acme", audience="kafka"),
    ]
    return {
        "realm": REALM,
        "enabled": True,
        "organizationsEnabled": True,
        "organizations": [_organisation(name) for name in ("acme", "bravo")],
        "roles": {"client": {"leadflow": [{"name": name} for name in ROLES]}},
        "clients": [
            {"clientId": "leadflow", "standardFlowEnabled": False},
            {
                "clientId": "leadflow-console",
                "publicClient": True,
                "directAccessGrantsEnabled": True,
                "defaultClientScopes": ["basic", "roles", "profile", "email"],
                "optionalClientScopes": ["organization"],
            },
            *machines,
        ],
        "users": [
            *(_person(name, roles) for name, (roles, _) in _PEOPLE.items()),
            *(
                {
                    "username": f"service-account-{client['clientId'].lower()}",
                    "enabled": True,
                    "serviceAccountClientId": client["clientId"],
                    "clientRoles": {"leadflow": ["service"]},
                }
                for client in machines
                if client["clientId"].startswith("website")
            ),
        ],
    }


def _organisation(name: str) -> dict[str, Any]:
    members = [
        {"username": person, "membershipType": "UNMANAGED"}
        for person, (_, organisations) in _PEOPLE.items()
        if name in organisations
    ]
    return {"name": name, "alias": name, "enabled": True, "domains": [{"name": f"{name}.example"}], "members": members}


def _person(name: str, roles: list[str]) -> dict[str, Any]:
    return {
        "username": name,
        "enabled": True,
        "email": f"{name}@people.example",
        "emailVerified": True,
        "firstName": name,
        "lastName": "Example",
        "credentials": [{"type": "password", "value": PASSWORD}],
        "clientRoles": {"leadflow": roles},
    }


def _machine(
    name: str, tenant: str, *, audience: str | None = None, algorithm: str | None = None, lifespan: int | None = None
) -> dict[str, Any]:
    mappers = [_mapper("tenant", "oidc-hardcoded-claim-mapper", **{"claim.name": "tenant", "claim.value": tenant})]
    if audience:
        mappers.append(_mapper("audience", "oidc-audience-mapper", **{"included.custom.audience": audience}))
    attributes = {"access.token.signed.response.alg": algorithm, "access.token.lifespan": lifespan}
    return {
        "clientId": name,
        "secret": SECRET,
        "serviceAccountsEnabled": True,
        "standardFlowEnabled": False,
        "protocolMappers": mappers,
        "attributes": {key: str(value) for key, value in attributes.items() if value is not None},
    }


def _mapper(name: str, kind: str, **config: str) -> dict[str, Any]:
    config |= {"access.token.claim": "true", "jsonType.label": "String"}
    return {"name": name, "protocol": "openid-connect", "protocolMapper": kind, "config": config}
