"""Requests of an SMS provider: Twilio's form fields, signed with the account's token, or JSON of another adapter.

Source: https://www.twilio.com/docs/usage/security#validating-requests
"""

import base64
import hmac
from collections.abc import Mapping
from json import JSONDecodeError
from typing import Any
from urllib.parse import urlsplit

from fastapi import Request
from pydantic import BaseModel

from services.outreach.context import context_of
from shared.errors import Forbidden, Invalid, Malformed, NotFound, Unauthorized
from shared.http.auth import principal_of
from shared.http.openapi import schema_of
from shared.strict_json import read_json

REFUSALS: dict[int | str, dict[str, Any]] = {
    401: {"description": "There is neither the provider's signature nor a valid bearer token"},
    403: {"description": "The token is not of the role operator or service"},
    404: {"description": "The signed URL names no tenant, or there is no such message"},
}
"""How requests of a provider are refused."""


def described(body: type[BaseModel]) -> dict[str, Any]:
    """The body of such a request for the OpenAPI description: JSON of an adapter, or the provider's form."""
    form = {"type": "object", "additionalProperties": {"type": "string"}}
    content = {"application/json": {"schema": schema_of(body)}, "application/x-www-form-urlencoded": {"schema": form}}
    return {"requestBody": {"required": True, "content": content}}


def signature(token: str, url: str, form: Mapping[str, str]) -> str:
    """Twilio's signature: HMAC-SHA1 over the URL and the sorted form fields, in base64."""
    content = url + "".join(name + form[name] for name in sorted(form))
    return base64.b64encode(hmac.new(token.encode(), content.encode(), "sha1").digest()).decode()


def is_form(request: Request) -> bool:
    """Whether this is the provider's own request, rather than JSON of an adapter with a bearer token."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind in ("application/x-www-form-urlencoded", "multipart/form-data")


async def signed_form(request: Request) -> tuple[str, dict[str, str]]:
    """(tenant, fields) of a request that the provider signed. The signature covers the URL, which names the tenant.

    Unauthorized without a valid signature, NotFound when the URL names no tenant.
    """
    settings = context_of(request).settings
    token = settings.sms_token.get_secret_value()
    form = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
    query = urlsplit(str(request.url)).query
    url = f"{settings.public_url.rstrip('/')}{request.url.path}{'?' + query if query else ''}"
    given = request.headers.get("x-twilio-signature", "")
    if not token or not hmac.compare_digest(signature(token, url, form).encode(), given.encode()):
        raise Unauthorized("the request is not signed by the provider")
    tenant = request.query_params.get("tenant", "")
    if not tenant:
        raise NotFound("the URL names no tenant")
    return tenant, form


async def machine_tenant(request: Request) -> str:
    """The tenant of a bearer token that may hand over a provider's messages. Forbidden for any other role."""
    principal = await principal_of(request)
    if not (principal.is_service or principal.at_least("operator")):
        raise Forbidden("this needs the role operator or service")
    return principal.tenant


async def json_body(request: Request) -> dict[str, Any]:
    """The body of an adapter's request. Malformed when it is not JSON, Invalid when it is not a JSON object."""
    try:
        content = read_json(await request.body())
    except JSONDecodeError as error:
        raise Malformed(f"the body is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise Invalid("the body must be a JSON object")
    return content
