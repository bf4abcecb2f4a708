"""Routes of web forms for those who make and list them; the page of a form is in `public_forms.py`."""

from datetime import datetime
from html import escape
from typing import Any

from fastapi import Request, Response

from services.capture.schemas.forms import FormEdit, FormIn, FormOut, FormSettings
from services.capture.settings import Settings
from services.capture.use_cases import forms as use_cases
from services.capture.use_cases.forms import Form
from shared.db import Row
from shared.errors import Invalid
from shared.http import Admin, Limit, Once, Page, Router, TenantWork, ViewerOrService, decode_cursor, encode_cursor
from shared.http.pages import moment, text

router = Router(tags=["forms"])

_SETTINGS = frozenset(FormSettings.model_fields)


def public_url(request: Request) -> str:
    """The public address of this service, without a slash at its end."""
    settings: Settings = request.app.state.service.settings
    return (settings.public_url or str(request.base_url)).rstrip("/")


def form_out(request: Request, form: Form) -> FormOut:
    url = f"{public_url(request)}/v1/forms/{form.row['token']}"
    src = escape(f"{url}/embed.js")
    frame = f'<iframe src="{escape(url)}" title="{escape(form.row["name"])}" width="100%" height="640"></iframe>'
    return FormOut(
        **{name: form.row[name] for name in FormOut.model_fields if name in form.row},
        fields=form.settings["fields"],
        consent_version=form.consent_text["version"] if form.consent_text else None,
        page_url=url,
        submissions_url=f"{url}/submissions",
        snippet=f'<script async src="{src}"></script><noscript>{frame}</noscript>',
    )


def newer_than(cursor: str | None) -> tuple[datetime, str] | None:
    """The place in a list of forms or webhooks that a cursor names."""
    if not cursor:
        return None
    position = decode_cursor(cursor, at=moment, token=text)
    return position["at"], position["token"]


def cursor_after(row: Row) -> str:
    """The cursor of what follows a form or webhook in its list."""
    return encode_cursor({"at": row["created_on"].isoformat(), "token": row["token"]})


@router.post("/forms", status_code=201, response_model=FormOut)
async def create_form(request: Request, principal: Admin, work: TenantWork, body: FormIn, once: Once) -> Response:
    """Make a web form. The answer has its page, and a snippet that shows it in another page."""

    async def run() -> Any:
        settings = FormSettings(**dict(body)).model_dump(mode="json")
        form = await use_cases.create_form(work, principal.tenant, body.name, body.source, settings, principal.actor)
        return form_out(request, form)

    return await once(run)


@router.get("/forms")
async def list_forms(
    request: Request, principal: ViewerOrService, work: TenantWork, limit: Limit = 50, cursor: str | None = None
) -> Page[FormOut]:
    """The forms of the tenant, the newest first."""
    forms = await use_cases.list_forms(work, principal.tenant, before=newer_than(cursor), limit=limit)
    return Page(
        items=[form_out(request, form) for form in forms],
        next_cursor=cursor_after(forms[-1].row) if len(forms) == limit else None,
    )


@router.patch("/forms/{token}")
async def edit_form(request: Request, principal: Admin, work: TenantWork, token: str, body: FormEdit) -> FormOut:
    """Change what the body names, each as in `POST /forms`; `active: false` closes the form.

    A changed text of consent becomes a new version, and what was given before keeps its own.
    """
    form = await use_cases.get_form(work, principal.tenant, token, lock=True)
    changes = body.changes()
    if unknown := sorted(changes.keys() - _SETTINGS - {"name", "source"}):
        names = ", ".join(unknown)
        raise Invalid(f"a form has no {names}", [{"field": name, "message": "is unknown"} for name in unknown])
    new = FormIn.model_validate({**form.settings, "name": form.row["name"], "source": form.row["source"], **changes})
    changed = await use_cases.edit_form(
        work,
        form,
        name=new.name,
        source=new.source,
        active=form.row["active"] if body.active is None else body.active,
        settings=FormSettings(**dict(new)).model_dump(mode="json"),
    )
    return form_out(request, changed)
