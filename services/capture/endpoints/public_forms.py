"""The public routes of a web form: its page, its definition for scripts, and what visitors send."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from json import JSONDecodeError
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import jinja2
from fastapi import Depends, Header, Query, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.datastructures import UploadFile

from services.capture.endpoints.leads import Normaliser
from services.capture.rules.form_guards import (
    client_address,
    may_send,
    page_address,
    shown_with,
    started_at,
    started_token,
    too_early_or_late,
)
from services.capture.rules.forms import CONSENT, STARTED
from services.capture.rules.text import MAX_TEXT
from services.capture.schemas.forms import PublicForm, SentForm
from services.capture.settings import Settings
from services.capture.use_cases import forms as use_cases
from services.capture.use_cases.forms import Form, Visit
from shared.errors import Invalid, LeadflowError, Malformed, UnsupportedMedia
from shared.http import Router, public
from shared.http.locations import relative
from shared.http.problems import problem_of
from shared.ids import uuid7
from shared.service import Service

router = Router(tags=["public forms"])

_PAGES = Path(__file__).parent / "pages"
_TEMPLATE = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(
    (_PAGES / "form.html").read_text(encoding="utf-8")
)
_SCRIPT = (_PAGES / "embed.js").read_text(encoding="utf-8")
_MOST_VALUES = 200
_ANSWERS = {"type": "object", "description": "The answers by the names of the fields", "maxProperties": _MOST_VALUES}
_KINDS = ("application/json", "application/x-www-form-urlencoded", "multipart/form-data")
_BODY = {"requestBody": {"required": True, "content": {kind: {"schema": _ANSWERS} for kind in _KINDS}}}


class Script(Response):
    """JavaScript."""

    media_type = "text/javascript"


Origin = Annotated[str | None, Header(alias="Origin", max_length=300)]


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


def _wants_page(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


def _visit(request: Request, origin: str | None) -> Visit:
    settings: Settings = _service(request).settings  # type: ignore[assignment]
    peer = request.client.host if request.client else ""
    forwarded = request.headers.get("x-forwarded-for", "")
    address = client_address(peer, forwarded, settings.trusted_proxies)
    page = page_address(request.headers.get("referer", ""), MAX_TEXT)
    return Visit(address, origin, request.headers.get("host", ""), page)


def _cors(form: Form, origin: str | None, host: str) -> dict[str, str]:
    """The headers that let a page of an allowed origin read the answer (Fetch standard, CORS)."""
    if origin is None or not may_send(origin, host, form.allowed_origins):
        return {"Vary": "Origin"}
    return {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}


def _page(
    request: Request,
    form: Form,
    *,
    values: Mapping[str, Any] | None = None,
    errors: Sequence[Mapping[str, Any]] = (),
    done: bool = False,
    status: int = 200,
) -> HTMLResponse:
    settings, token = form.settings, form.row["token"]
    values = dict(values or {})
    started = _started(form, str(values.get(STARTED) or ""))
    if shown_with(form.row["secret"], str(values.get(STARTED) or "")) not in (None, form.shown):
        values.pop(CONSENT, None)  # the box that was ticked had another text
    content = _TEMPLATE.render(
        settings=settings,
        title=settings["title"] or form.row["name"],
        fields=form.fields,
        names={*(field.name for field in form.fields if field.type != "hidden"), "consent"},
        honeypot=form.row["honeypot"],
        consent=settings.get("consent"),
        path=relative(request.url.path, f"/v1/forms/{token}"),
        started=started,
        values=values,
        errors=errors,
        done=done,
    )
    return HTMLResponse(content, status, _page_headers(form))


def _page_headers(form: Form) -> dict[str, str]:
    """Nothing but the page itself is loaded, and only pages of the allowed origins may embed it."""
    settings = form.settings
    redirect = urlsplit(settings["redirect_url"] or "")
    targets = f" {redirect.scheme}://{redirect.netloc}" if redirect.netloc else ""
    scripts = " script-src 'self'; connect-src 'self';" if settings["proof_of_work_bits"] else ""
    frames = " ".join(["'self'", *form.allowed_origins])
    return {
        "Content-Security-Policy": f"default-src 'none'; style-src 'unsafe-inline';{scripts} base-uri 'none'; "
        f"form-action 'self'{targets}; frame-ancestors {frames}",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }


def _started(form: Form, before: str = "") -> str:
    """When, and with which text of consent, the form is shown. `before`: the token of a form that is shown again, with
    what is to be corrected; the time of the first one counts, so that it is not sent too soon."""
    secret, at = form.row["secret"], form.now
    if before and too_early_or_late(secret, before, form.now, 0) is None:
        at = datetime.fromtimestamp((started_at(secret, before) or 0) / 1_000, UTC)
    return started_token(secret, at, uuid7().hex[-16:], form.shown)


@router.get(
    "/forms/{token}",
    dependencies=[Depends(public)],
    response_model=PublicForm,
    responses={200: {"content": {"text/html": {"schema": {"type": "string"}}}}},
)
async def show_form(
    request: Request,
    token: str,
    origin: Origin = None,
    started: Annotated[str, Query(max_length=300)] = "",
) -> Response:
    """The page of the form, which works without JavaScript; its definition with `Accept: application/json`.

    A script that shows a form again, after an answer that names `started`, asks with the `started` that it had: a new
    one is made, and the time of the first one counts while it may.
    """
    form = await use_cases.find_public(_service(request).database, token)
    if "application/json" not in request.headers.get("accept", ""):
        return _page(request, form)
    settings = form.settings
    content = {
        "name": form.row["name"],
        "fields": [{**field._asdict(), "autocomplete": field.autocomplete} for field in form.fields],
        "honeypot": form.row["honeypot"],
        "consent": settings.get("consent"),
        STARTED: _started(form, started),
        **{name: settings[name] for name in ("title", "submit_label", "language", "redirect_url")},
        "proof_of_work_bits": settings["proof_of_work_bits"],
    }
    headers = {**_cors(form, origin, request.headers.get("host", "")), "Cache-Control": "no-store"}
    return JSONResponse(content, headers=headers)


@router.get("/forms/{token}/thank-you", dependencies=[Depends(public)], response_class=HTMLResponse)
async def thank_visitor(request: Request, token: str) -> HTMLResponse:
    """The page after the form was sent."""
    return _page(request, await use_cases.find_public(_service(request).database, token), done=True)


@router.get("/forms/{token}/embed.js", dependencies=[Depends(public)], response_class=Script)
async def embed_form(request: Request, token: str) -> Response:
    """The script that shows the form in another page."""
    await use_cases.find_public(_service(request).database, token)
    return Script(_SCRIPT, headers={"Cache-Control": "public, max-age=300"})


@router.options("/forms/{token}", dependencies=[Depends(public)], include_in_schema=False)
@router.options("/forms/{token}/submissions", dependencies=[Depends(public)], include_in_schema=False)
async def allow_origin(request: Request, token: str, origin: Origin = None) -> Response:
    """What a browser asks before a script of another page sends the form."""
    form = await use_cases.find_public(_service(request).database, token)
    headers = _cors(form, origin, request.headers.get("host", ""))
    if "Access-Control-Allow-Origin" not in headers:
        return Response(status_code=403, headers=headers)
    allowed = {
        "Access-Control-Allow-Methods": "GET, POST",
        "Access-Control-Allow-Headers": "Content-Type",
        "Access-Control-Max-Age": "600",
    }
    return Response(status_code=204, headers={**headers, **allowed})


@router.post(
    "/forms/{token}/submissions",
    status_code=201,
    response_model=SentForm,
    responses={
        201: {"description": "The form was taken"},
        403: {"description": "Pages of this origin may not send the form"},
        429: {"description": "This address has sent the form too often; Retry-After says when to try again"},
        303: {"description": "The same for a browser, which is sent to the page that says thank you"},
        422: {"content": {"text/html": {"schema": {"type": "string"}}}},
    },
    openapi_extra=_BODY,
    dependencies=[Depends(public)],
)
async def submit_form(request: Request, token: str, normaliser: Normaliser, origin: Origin = None) -> Response:
    """Send the form, as JSON or as a browser does (`application/x-www-form-urlencoded`, `multipart/form-data`).

    A program is answered with JSON; a browser that asks for HTML sees the page that says thank you, or its own answers
    again with what has to be corrected.
    """
    database = _service(request).database
    form = await use_cases.find_public(database, token)
    visit = _visit(request, origin)
    headers = _cors(form, origin, visit.host)
    values: dict[str, Any] = {}
    try:
        await use_cases.admit(database, form, visit)
        values = await _values(request)
        await use_cases.submit(database, form, values, visit, normaliser)
    except LeadflowError as refusal:
        if _wants_page(request) and isinstance(refusal, Invalid) and refusal.errors:
            return _page(request, form, values=values, errors=refusal.errors, status=422)
        return problem_of(refusal, headers=headers)
    if _wants_page(request):
        target = form.settings["redirect_url"] or f"/v1/forms/{token}/thank-you"
        return Response(status_code=303, headers={**headers, "Location": target})
    return JSONResponse({"message": form.settings["thank_you"]}, 201, headers)


async def _values(request: Request) -> dict[str, Any]:
    """What the body says, by field. Raises Invalid for what is neither JSON nor a form, or has files."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in ("application/x-www-form-urlencoded", "multipart/form-data"):
        async with request.form(max_files=0, max_fields=_MOST_VALUES) as sent:
            return {name: value for name, value in sent.multi_items() if not isinstance(value, UploadFile)}
    if kind not in ("application/json", ""):
        raise UnsupportedMedia("send the form as application/json, or as a browser sends forms")
    try:
        body = await request.json()
    except JSONDecodeError:
        raise Malformed("the body is not JSON") from None
    if not isinstance(body, dict) or len(body) > _MOST_VALUES:
        raise Invalid(f"the body is not a JSON object of at most {_MOST_VALUES} fields")
    return body
