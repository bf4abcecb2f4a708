"""Tokens as the identity providers issue them: where each puts tenant and roles, with the settings that read them.

The claim sets are of the form that each vendor documents, Keycloak's as a real one issues it (`make keycloak`); names
and ids in them are invented.
"""

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from deploy.local.identity import Identity
from shared.errors import Unauthorized
from shared.http.auth import Verifier
from shared.http.token_claims import ClaimSettings

KEYCLOAK: dict[str, Any] = {
    "exp": 1795750000,
    "iss": "https://id.example.com/realms/sales",
    "aud": ["leadflow", "account"],
    "sub": "f1d2a7c0-6a3f-4e0b-9d55-1f6f6f0a0001",
    "typ": "Bearer",
    "azp": "leadflow-console",
    "realm_access": {"roles": ["offline_access", "uma_authorization"]},
    "resource_access": {"leadflow": {"roles": ["reviewer"]}, "account": {"roles": ["view-profile"]}},
    "scope": "openid organization profile email",
    "organization": ["acme"],
    "preferred_username": "ann",
}
KEYCLOAK_WITH_IDS: dict[str, Any] = KEYCLOAK | {
    "organization": {"acme": {"id": "d274e9a4-3e52-4613-ba67-391a57fd8bd8"}}
}
"""As the mapper of the scope `organization` makes it when it adds ids or attributes."""
ENTRA: dict[str, Any] = {
    "aud": "api://leadflow",
    "iss": "https://login.microsoftonline.com/8d1f0c1e-0000-4000-8000-000000000001/v2.0",
    "exp": 1795750000,
    "oid": "2a6b0000-0000-4000-8000-000000000002",
    "sub": "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ",
    "tid": "8d1f0c1e-0000-4000-8000-000000000001",
    "roles": ["Leadflow.Operator"],
    "scp": "access_as_user",
    "ver": "2.0",
}
OKTA: dict[str, Any] = {
    "iss": "https://acme.okta.com/oauth2/default",
    "aud": "api://default",
    "exp": 1795750000,
    "cid": "0oa1gjh63g214q0Hq0g4",
    "uid": "00u1gjh63g214q0Hq0g5",
    "scp": ["openid", "profile"],
    "sub": "ann@acme.example",
    "groups": ["Everyone", "Leadflow Admins"],
    "org": "acme",
}
AUTH0: dict[str, Any] = {
    "iss": "https://acme.eu.auth0.com/",
    "aud": ["https://leadflow.example.com", "https://acme.eu.auth0.com/userinfo"],
    "sub": "auth0|64f0c0ffee0001",
    "exp": 1795750000,
    "azp": "my_client_id",
    "scope": "openid profile",
    "org_id": "org_9ybsU1dN2dKfDkBi",
    "https://leadflow.example.com/roles": ["viewer", "something-else"],
    "permissions": ["read:leads"],
}
GOOGLE: dict[str, Any] = {
    "iss": "https://accounts.google.com",
    "azp": "1234987819200.apps.googleusercontent.com",
    "aud": "1234987819200.apps.googleusercontent.com",
    "sub": "10769150350006150715113082367",
    "hd": "acme.example",
    "email": "ann@acme.example",
    "email_verified": True,
    "exp": 1795750000,
}

PROVIDERS: dict[str, tuple[dict[str, Any], dict[str, Any], tuple[str, str, set[str]]]] = {
    "Keycloak": (
        KEYCLOAK,
        {"tenant_claim": "organization", "roles_claim": "resource_access.leadflow.roles"},
        ("acme", KEYCLOAK["sub"], {"reviewer"}),
    ),
    "Keycloak, with the organisation's id": (
        KEYCLOAK_WITH_IDS,
        {"tenant_claim": "keys(organization)", "roles_claim": "resource_access.leadflow.roles"},
        ("acme", KEYCLOAK["sub"], {"reviewer"}),
    ),
    "Entra ID": (
        ENTRA,
        {
            "tenant_claim": "tid",
            "tenant_map": {ENTRA["tid"]: "acme"},
            "subject_claim": "oid",
            "role_map": {"Leadflow.Operator": "operator"},
        },
        ("acme", ENTRA["oid"], {"operator"}),
    ),
    "Okta": (
        OKTA,
        {"tenant_claim": "org", "roles_claim": "groups", "role_map": {"Leadflow Admins": ["admin"]}},
        ("acme", OKTA["sub"], {"admin"}),
    ),
    "Auth0": (
        AUTH0,
        {
            "tenant_claim": "org_id",
            "tenant_map": {"org_9ybsU1dN2dKfDkBi": "acme"},
            "roles_claim": '"https://leadflow.example.com/roles"',
            "role_map": {"viewer": "viewer"},
        },
        ("acme", AUTH0["sub"], {"viewer"}),
    ),
    "Google": (
        GOOGLE,
        {
            "tenant_claim": "hd",
            "tenant_map": {"acme.example": "acme"},
            "roles_claim": "[email, hd]",
            "role_map": {"ann@acme.example": "reviewer", "acme.example": "viewer"},
        },
        ("acme", GOOGLE["sub"], {"reviewer", "viewer"}),
    ),
}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_token_of_each_provider_is_read(provider: str) -> None:
    claims, settings, (tenant, subject, roles) = PROVIDERS[provider]
    principal = ClaimSettings(**settings).principal(claims)
    assert (principal.tenant, principal.subject, principal.roles) == (tenant, subject, frozenset(roles))


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_token_of_each_provider_gives_nothing_by_itself(provider: str) -> None:
    """Without settings for it, no provider's own claim becomes a tenant or a role by chance."""
    claims, _, _ = PROVIDERS[provider]
    with pytest.raises(Unauthorized, match="the token's claim tenant is missing"):
        ClaimSettings().principal(claims)


def test_the_page_of_settings_has_for_each_provider_what_is_tried_here() -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "operations" / "settings.md").read_text()
    rows = dict(re.findall(r"^\| ([^|]+?) +\| (.+)$", page, re.M))
    for provider, (_, settings, _) in PROVIDERS.items():
        assert f"`{settings['tenant_claim']}`" in rows[provider], provider


def test_a_tenant_that_the_map_does_not_name_is_refused() -> None:
    settings = ClaimSettings(tenant_claim="tid", tenant_map={ENTRA["tid"]: "acme"})
    with pytest.raises(Unauthorized):
        settings.principal({**ENTRA, "tid": "acme"})


@pytest.mark.parametrize(
    ("expression", "both"),
    [("organization", ["acme", "bravo"]), ("keys(organization)", {"acme": {}, "bravo": {}})],
)
def test_a_member_of_two_organisations_has_to_choose_one(expression: str, both: object) -> None:
    with pytest.raises(Unauthorized):
        ClaimSettings(tenant_claim=expression).principal({**KEYCLOAK, "organization": both})


def test_roles_in_a_scope_are_separated_by_blanks_and_no_roles_are_none() -> None:
    settings = ClaimSettings(tenant_claim="'acme'", roles_claim="scope")
    assert settings.principal({"sub": "a", "scope": "openid viewer"}).at_least("viewer")
    assert settings.principal({"sub": "a"}).roles == frozenset()


@pytest.mark.parametrize("roles", [{"admin": True}, 7, ["admin", 7]])
def test_roles_of_another_shape_are_refused(roles: object) -> None:
    with pytest.raises(Unauthorized, match="not a list of names"):
        ClaimSettings().principal({"sub": "a", "tenant": "acme", "roles": roles})


@pytest.mark.parametrize("subject", [None, "", True, ["a"]])
def test_a_token_without_a_subject_is_refused(subject: object) -> None:
    with pytest.raises(Unauthorized, match="no subject"):
        ClaimSettings().principal({"sub": subject, "tenant": "acme"})


@pytest.mark.parametrize(
    "settings",
    [
        {"roles_claim": "realm_access."},
        {"role_map": {"boss": "owner"}},
        {"tenant_map": {"a": "Not A Tenant"}},
        {"leeway_seconds": 3_600},
    ],
)
def test_settings_that_cannot_work_are_refused_at_the_start(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ClaimSettings(**settings)


def test_the_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADFLOW_OIDC_ROLES_CLAIM", "groups")
    monkeypatch.setenv("LEADFLOW_OIDC_ROLE_MAP", '{"Leadflow Admins": ["admin"]}')
    monkeypatch.setenv("LEADFLOW_OIDC_TENANT_CLAIM", "org")
    assert ClaimSettings().principal(OKTA).roles == {"admin"}


def _verifier(identity: Identity, audience: str, **claims: Any) -> Verifier:
    return Verifier(url=identity.jwks_url, issuer=identity.issuer, audience=audience, claims=ClaimSettings(**claims))


async def test_a_token_for_any_of_the_audiences_is_accepted_and_for_no_other(tmp_path: Path) -> None:
    identity = Identity(tmp_path)
    verifier = _verifier(identity, "leadflow, api://leadflow")
    for audience in ("leadflow", "api://leadflow"):
        assert (await verifier.verify(identity.sign_token("acme", ["viewer"], audience=audience))).tenant == "acme"
    with pytest.raises(Unauthorized):
        await verifier.verify(identity.sign_token("acme", ["viewer"], audience="other"))
    with pytest.raises(ValueError, match="AUDIENCE"):
        _verifier(identity, " , ")


async def test_the_issuers_clock_may_differ_by_the_leeway(tmp_path: Path) -> None:
    identity = Identity(tmp_path)
    late = identity.sign_token("acme", ["viewer"], ttl=-20)
    assert (await _verifier(identity, "leadflow", leeway_seconds=60).verify(late)).tenant == "acme"
    with pytest.raises(Unauthorized, match="expired"):
        await _verifier(identity, "leadflow", leeway_seconds=5).verify(late)
