"""Providers as a tenant configures them."""

import re
from datetime import datetime
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from services.enrichment.rules.addresses import AllowedHosts, Refused, is_local_name, read_target
from services.enrichment.rules.fact_values import FACT_NAME, NOT_FROM_PROVIDERS
from services.enrichment.rules.mapping import MAX_EXPRESSION, MAX_FACTS
from services.enrichment.rules.questions import PLACEHOLDERS, Question, has_other_braces, placeholders, render
from shared.expressions import check_expression

MASK = "********"
"""What is shown instead of a header's value; sent back, it keeps the value."""
MAX_PROVIDERS = 10
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}\Z")
_HEADER_VALUE = re.compile(r"[\x20-\x7e\x80-\xff]{1,4096}\Z")
_OURS = frozenset(
    """
    host connection content-length transfer-encoding accept-encoding te trailer upgrade expect keep-alive
    proxy-connection
""".split()
)
_ANY = Question(dict.fromkeys(PLACEHOLDERS.values(), "x") | {"company_domain": "company.example"})

Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]*$")]


class ProviderBody(BaseModel):
    """One provider. The values of its headers are secret: they are stored, sent to it, and never shown again."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    name: Name
    kind: Literal["website", "directory", "json_api"]
    url: Annotated[str, Field(max_length=1_000)] | None = None
    """Where a JSON API is asked, with values in braces: `https://api.example/companies?domain={domain}`.

    Possible are `domain`, `company_name`, `country`, `website`, `email`, `phone` and `job_title`; without any, the
    domain is added as the parameter `domain`. A website provider reads the lead's own website unless a url is given.
    """
    headers: Annotated[dict[str, str], Field(max_length=10)] | None = None
    mapping: Annotated[dict[str, str], Field(max_length=MAX_FACTS)] | None = None
    """Fact to JMESPath expression: `{"industry": "company.category"}`."""
    timeout_ms: Annotated[int, Field(ge=50, le=30_000)] | None = None
    """How long one answer may take; 3000 for a JSON API and 5000 for a website unless it is given."""
    enabled: bool = True
    rate_per_minute: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """Requests to the provider in a minute, by all replicas together."""
    max_age_hours: Annotated[float, Field(ge=0.0001, le=87_600)] = 720
    """After this time an answer is fetched again."""
    confidence: Annotated[float, Field(ge=0, le=1)] | None = None
    """How sure the facts of a JSON API are; below 0.5 they count as guesses."""

    @field_validator("url")
    @classmethod
    def _has_known_placeholders(cls, url: str | None) -> str | None:
        if url is None or not (url := url.strip()):
            return None
        if unknown := sorted(placeholders(url) - set(PLACEHOLDERS)):
            raise ValueError(f"{{{unknown[0]}}} is not known; {', '.join(PLACEHOLDERS)} are")
        if has_other_braces(url):
            raise ValueError(
                f"braces are for values only, and there are {', '.join(PLACEHOLDERS)}; write others as %7B, %7D"
            )
        return url

    @field_validator("headers")
    @classmethod
    def _are_headers(cls, headers: dict[str, str] | None) -> dict[str, str] | None:
        for name, value in (headers or {}).items():
            if not _HEADER_NAME.match(name):
                raise ValueError("the name of a header has other characters than HTTP allows")
            if name.lower() in _OURS:
                raise ValueError(f"the header {name} is set by the connection itself")
            if not _HEADER_VALUE.match(value):
                raise ValueError(f"the value of {name} has a line break, another control character, or is too long")
        if len({name.lower() for name in headers or {}}) < len(headers or {}):
            raise ValueError("a header is given twice")
        return headers

    @field_validator("mapping")
    @classmethod
    def _are_expressions(cls, mapping: dict[str, str] | None) -> dict[str, str] | None:
        for name, expression in (mapping or {}).items():
            if not FACT_NAME.match(name):
                raise ValueError(
                    "the name of a fact has lower-case letters, digits and _ only, and begins with a letter"
                )
            if name in NOT_FROM_PROVIDERS:
                raise ValueError(f"{name} follows from the e-mail address, and no provider decides it")
            try:
                check_expression(expression, longest=MAX_EXPRESSION)
            except ValueError as error:
                raise ValueError(f"the expression of {name} {error}") from None
        return mapping

    @model_validator(mode="after")
    def _fits_its_kind(self, info: ValidationInfo) -> Self:
        allowed: AllowedHosts = (info.context or {}).get("allowed", AllowedHosts(frozenset()))
        if self.kind == "json_api":
            if not self.url:
                raise ValueError("a JSON API needs a url")
            if not self.mapping:
                raise ValueError("a JSON API needs a mapping from facts to JMESPath expressions")
        elif self.headers:
            raise ValueError("headers are sent to a JSON API only")
        if self.url and self.kind == "directory":
            raise ValueError("the directory has no url: it is uploaded by PUT /v1/directory")
        if self.url:
            self._check_url(self.url, allowed)
        return self

    def _check_url(self, url: str, allowed: AllowedHosts) -> None:
        if self.kind == "json_api" and "{" in url.partition("://")[2].partition("/")[0].partition("?")[0]:
            raise ValueError("url: the host of a JSON API is fixed; only path and query may have values in braces")
        try:
            target = read_target(render(url, _ANY), allowed)
        except Refused as error:
            raise ValueError(f"url: {error}") from None
        if is_local_name(target.host) and not allowed.has(target):
            raise ValueError("url: the host is in a private network, and the deployment has not listed it")

    def config(self) -> dict[str, Any]:
        """What is stored of it besides its name and secrets."""
        url = self.url or ""
        if self.kind == "json_api" and not placeholders(url):
            url += ("&" if urlsplit(url).query else "?") + "domain={domain}"
        return {
            "url": url,
            "given_url": self.url,
            "mapping": self.mapping or {},
            "headers": sorted(self.headers or {}),
            "timeout_ms": self.timeout_ms or (5_000 if self.kind == "website" else 3_000),
            "confidence": 0.8 if self.confidence is None else self.confidence,
            "rate_per_minute": self.rate_per_minute,
            "max_age_hours": self.max_age_hours,
        }


class ProvidersBody(BaseModel):
    """All providers of a tenant, in the order in which their facts count: the earlier one wins."""

    model_config = ConfigDict(
        hide_input_in_errors=True,
        json_schema_extra={
            "examples": [
                {
                    "items": [
                        {
                            "name": "registry",
                            "kind": "json_api",
                            "url": "https://api.example.org/companies?domain={domain}",
                            "headers": {"Authorization": "Bearer ..."},
                            "mapping": {"industry": "company.category", "employees": "company.staff"},
                        }
                    ]
                }
            ]
        },
    )

    items: Annotated[list[ProviderBody], Field(max_length=MAX_PROVIDERS)]

    @model_validator(mode="after")
    def _have_names_of_their_own(self) -> Self:
        names = [each.name for each in self.items]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two providers are called {twice[0]}")
        if "local" in names:
            raise ValueError("local is the provider that needs no configuration; choose another name")
        if sum(each.kind == "directory" for each in self.items) > 1:
            raise ValueError("there is one directory")
        return self


class RateOut(BaseModel):
    """`last_minute`: requests in the last full minute. `asked` and `failed`: since it was configured."""

    limit_per_minute: int | None
    last_minute: int
    asked: int
    failed: int


class LastErrorOut(BaseModel):
    reason: str
    at: datetime


class ProviderOut(BaseModel):
    """A configured provider, and how it has been doing."""

    name: str
    kind: str
    url: str | None
    headers: dict[str, str]
    mapping: dict[str, str]
    timeout_ms: int
    enabled: bool
    rate_per_minute: int | None
    max_age_hours: float
    confidence: float
    state: Literal["unused", "working", "failing", "paused", "off"]
    """`paused`: it is left alone until `paused_until`, after failures in a row or because it asked for it."""
    paused_until: datetime | None
    last_answer_at: datetime | None
    last_error: LastErrorOut | None
    rate: RateOut
