"""What the claims of a token mean: tenant, subject and roles, wherever an identity provider puts them.

Each is found by a JMESPath expression (https://jmespath.org/specification.html), so that tokens as Keycloak, Entra ID,
Okta, Auth0 and Google issue them work without a proxy between. A name with punctuation is quoted in an expression:
`"https://example.com/roles"`; a constant is `'acme'`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.parser import ParsedResult
from pydantic import Field, field_validator
from pydantic_settings import SettingsConfigDict

from shared.errors import Unauthorized
from shared.names import RANKED_ROLES, ROLES, TENANT_FORM, is_tenant
from shared.secret_files import Settings


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller, with the roles of shared/names.py."""

    tenant: str
    subject: str
    roles: frozenset[str]

    @property
    def actor(self) -> str:
        return f"{'system' if self.is_service else 'human'}:{self.subject}"

    @property
    def is_service(self) -> bool:
        """A token of a machine: it never approves, whatever other roles it carries."""
        return "service" in self.roles

    def at_least(self, role: str) -> bool:
        return any(have in self.roles for have in RANKED_ROLES[RANKED_ROLES.index(role) :])


class ClaimSettings(Settings):
    """How tokens are read: environment variables `LEADFLOW_OIDC_*`."""

    model_config = SettingsConfigDict(env_prefix="LEADFLOW_OIDC_", extra="ignore", hide_input_in_errors=True)

    tenant_claim: str = Field(default="tenant", min_length=1, max_length=500)
    roles_claim: str = Field(default="roles", min_length=1, max_length=500)
    subject_claim: str = Field(default="sub", min_length=1, max_length=500)
    tenant_map: dict[str, str] = Field(default_factory=dict)
    """The issuer's name of a tenant -> ours, where they differ (a directory's id, a domain); others are refused."""
    role_map: dict[str, str | list[str]] = Field(default_factory=dict)
    """The issuer's name of a role or group -> our role or roles. Where it is set, only what it names counts."""
    leeway_seconds: float = Field(default=10.0, ge=0, le=300)
    """How much the issuer's clock may differ from ours."""

    @field_validator("tenant_claim", "roles_claim", "subject_claim")
    @classmethod
    def _is_an_expression(cls, expression: str) -> str:
        try:
            _compiled(expression)
        except JMESPathError as error:
            raise ValueError(f"is not a JMESPath expression: {str(error).splitlines()[0]}") from None
        return expression

    @field_validator("role_map")
    @classmethod
    def _names_our_roles(cls, mapping: dict[str, str | list[str]]) -> dict[str, str | list[str]]:
        for roles in mapping.values():
            for role in [roles] if isinstance(roles, str) else roles:
                if role not in ROLES:
                    raise ValueError(f"{role!r} is not a role; the roles are {', '.join(ROLES)}")
        return mapping

    @field_validator("tenant_map")
    @classmethod
    def _names_our_tenants(cls, mapping: dict[str, str]) -> dict[str, str]:
        for tenant in mapping.values():
            if not is_tenant(tenant):
                raise ValueError(f"{tenant!r} is not the name of a tenant: {TENANT_FORM}")
        return mapping

    def principal(self, claims: Mapping[str, Any]) -> Principal:
        """The caller that verified claims describe. Raises Unauthorized, with the setting that found nothing."""
        tenant = self._tenant(claims)
        subject = self._search(self.subject_claim, claims)
        if not isinstance(subject, str | int) or subject == "" or isinstance(subject, bool):
            raise Unauthorized(f"the token has no subject at {self.subject_claim}")
        return Principal(tenant, str(subject), frozenset(self._roles(claims)))

    def _tenant(self, claims: Mapping[str, Any]) -> str:
        found = self._search(self.tenant_claim, claims)
        if isinstance(found, list) and len(found) == 1:
            found = found[0]
        if self.tenant_map:
            found = self.tenant_map.get(found) if isinstance(found, str) else None
        if not isinstance(found, str) or not is_tenant(found):
            raise Unauthorized(f"the token's claim {self.tenant_claim} is missing or not of the form {TENANT_FORM}")
        return found

    def _roles(self, claims: Mapping[str, Any]) -> list[str]:
        found = self._search(self.roles_claim, claims)
        # A scope is one text with its names separated by blanks (RFC 6749, 3.3).
        names: Any = found.split() if isinstance(found, str) else [] if found is None else found
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise Unauthorized(f"the token's claim {self.roles_claim} is not a list of names")
        if not self.role_map:
            return names
        roles: list[str] = []
        for name in names:
            mapped: str | Sequence[str] = self.role_map.get(name, ())
            roles += [mapped] if isinstance(mapped, str) else mapped
        return roles

    def _search(self, expression: str, claims: Mapping[str, Any]) -> Any:
        try:
            return _compiled(expression).search(claims)
        except JMESPathError as error:
            raise Unauthorized(f"the token's claims do not fit {expression}: {type(error).__name__}") from None


@lru_cache(maxsize=100)
def _compiled(expression: str) -> ParsedResult:
    return jmespath.compile(expression)
