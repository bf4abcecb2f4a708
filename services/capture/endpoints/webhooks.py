"""Routes of webhooks for admins, and of the deliveries that they keep."""

import secrets
from collections.abc import Mapping
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Body, Request, Response

from services.capture.endpoints.forms import cursor_after, newer_than, public_url
from services.capture.endpoints.leads import Normaliser
from services.capture.rules.webhook_mapping import WebhookMapping, items_of, mapping_errors
from services.capture.rules.webhook_presets import PRESETS, Preset
from services.capture.schemas.bodies import errors_out, sentence_of
from services.capture.schemas.webhooks import (
    DeliveryOut,
    PresetOut,
    ReplayOutcome,
    TestedItem,
    WebhookEdit,
    WebhookIn,
    WebhookOut,
    WebhookSettings,
)
from services.capture.store import webhooks as store
from services.capture.use_cases import webhooks as use_cases
from services.capture.use_cases.webhooks import Reading, Webhook
from shared.errors import Invalid, NotFound
from shared.http import (
    Admin,
    Limit,
    Once,
    Operator,
    Page,
    Router,
    TenantWork,
    ViewerOrService,
    decode_cursor,
    encode_cursor,
)
from shared.service import Service

router = Router(tags=["webhooks"])

_SETTINGS = frozenset(WebhookSettings.model_fields)


def _settings_of(preset: Preset) -> dict[str, Any]:
    mapping = preset.mapping
    return {
        "mapping": dict(mapping.lead),
        "items": mapping.items,
        "when": mapping.when,
        "meeting": dict(mapping.meeting),
        "signature": preset.signature._asdict(),
        "challenge": preset.challenge,
    }


def _checked(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings as they are stored. Raises Invalid, by field."""
    if unknown := sorted(settings.keys() - _SETTINGS):
        names = ", ".join(unknown)
        raise Invalid(f"a webhook has no {names}", [{"field": name, "message": "is unknown"} for name in unknown])
    stored = WebhookSettings.model_validate(settings).model_dump()
    mapping = WebhookMapping(stored["mapping"], stored["items"], stored["when"], stored["meeting"])
    if errors := mapping_errors(mapping):
        raise Invalid(sentence_of(errors), errors_out(errors))
    return stored


def _webhook_out(
    request: Request, webhook: Webhook, *, secret: str | None = None, kept: int = 0, note: str = ""
) -> Any:
    row = webhook.row
    out = WebhookOut(
        **{name: row[name] for name in ("token", "name", "source", "active", "created_on", "created_by", "changed_on")},
        url=f"{public_url(request)}/v1/webhooks/{webhook.token}",
        mapping=webhook.settings["mapping"],
        settings={name: value for name, value in webhook.settings.items() if name != "mapping"},
        has_secret=row["secret"] is not None,
        kept=kept,
        note=note,
        secret=secret,
    )
    return out.model_dump(mode="json", exclude_none=True)


@router.get("/webhook-presets")
async def list_webhook_presets(principal: ViewerOrService) -> Page[PresetOut]:
    """The senders that are known, with their mappings and signatures."""
    return Page(
        items=[
            PresetOut(name=name, note=preset.note, settings=_settings_of(preset)) for name, preset in PRESETS.items()
        ]
    )


@router.post("/webhooks", status_code=201, response_model=WebhookOut)
async def create_webhook(request: Request, principal: Admin, work: TenantWork, body: WebhookIn, once: Once) -> Response:
    """Make an address that another system sends leads to. `secret` is in this answer only."""
    given = dict(body.model_extra or {})
    note = ""
    if body.preset is not None:
        if body.preset not in PRESETS:
            message = f"is none of {', '.join(PRESETS)}"
            raise Invalid(f"preset {message}", [{"field": "preset", "message": message}])
        preset = PRESETS[body.preset]
        note = preset.note
        begun = _settings_of(preset)
        if isinstance(given.get("mapping"), dict):
            given["mapping"] = {**begun["mapping"], **given["mapping"]}
        given = {**begun, **given}
    settings = _checked(given)
    secret = body.secret or ""
    if not secret and (settings["signature"] or settings["challenge"]):
        secret = secrets.token_urlsafe(32)
    _need_verify_token(settings)

    async def run() -> Any:
        webhook = await use_cases.create_webhook(
            work, principal.tenant, body.name, body.source, settings, secret, principal.actor
        )
        return _webhook_out(request, webhook, secret=secret or None, note=note)

    return await once(run)


def _need_verify_token(settings: dict[str, Any]) -> None:
    """Make the token by which Facebook proves that it was told of this address, where there is none."""
    if settings["challenge"] == "facebook" and not settings["verify_token"]:
        settings["verify_token"] = secrets.token_urlsafe(16)


@router.get("/webhooks", response_model=Page[WebhookOut], response_model_exclude_unset=True)
async def list_webhooks(
    request: Request, principal: Admin, work: TenantWork, limit: Limit = 50, cursor: str | None = None
) -> Any:
    """The webhooks of the tenant, the newest first; `kept` counts the deliveries that made no lead.

    For admins only: whoever knows the token of a webhook can send leads to it.
    """
    rows = await store.WEBHOOKS.page(work, principal.tenant, before=newer_than(cursor), limit=limit)
    kept = await store.kept_of(work, principal.tenant, [row["token"] for row in rows])
    return {
        "items": [_webhook_out(request, Webhook(row), kept=kept.get(row["token"], 0)) for row in rows],
        "next_cursor": cursor_after(rows[-1]) if len(rows) == limit else None,
    }


@router.patch("/webhooks/{token}", response_model=WebhookOut, response_model_exclude_none=True)
async def edit_webhook(request: Request, principal: Admin, work: TenantWork, token: str, body: WebhookEdit) -> Any:
    """Change what the body names, each as in `POST /webhooks`. `secret` replaces the one that the sender signs with."""
    webhook = await use_cases.get_webhook(work, principal.tenant, token, lock=True)
    given = dict(body.model_extra or {})
    names = WebhookIn.model_validate(
        {"name": given.pop("name", webhook.row["name"]), "source": given.pop("source", webhook.row["source"])}
    )
    settings = _checked({**webhook.settings, **given})
    secret = body.secret.encode() if body.secret else webhook.row["secret"]
    if (settings["signature"] or settings["challenge"] == "linkedin") and not secret:
        message = "a signature, and the challenge of LinkedIn, need a secret"
        raise Invalid(message, [{"field": "secret", "message": "is missing"}])
    _need_verify_token(settings)
    await store.WEBHOOKS.update(
        work,
        principal.tenant,
        token,
        name=names.name,
        source=names.source,
        active=webhook.row["active"] if body.active is None else body.active,
        settings=settings,
        secret=secret,
    )
    return _webhook_out(request, await use_cases.get_webhook(work, principal.tenant, token))


@router.post("/webhooks/{token}/test")
async def try_webhook(
    principal: Admin, work: TenantWork, token: str, normaliser: Normaliser, body: Annotated[Any, Body()]
) -> Page[TestedItem]:
    """What a body would become, item by item. Nothing is stored or published."""
    webhook = await use_cases.get_webhook(work, principal.tenant, token)
    try:
        items = items_of(webhook.mapping, body)
    except ValueError as error:
        raise Invalid(str(error), [{"field": "body", "message": str(error)}]) from None
    return Page(items=[_tested(use_cases.reading_of(webhook, raw, normaliser)) for raw in items])


def _tested(reading: Reading) -> TestedItem:
    contact, meeting = reading.contact, reading.item.meeting
    outcome: Literal["taken", "kept", "ignored"] = "taken" if contact is not None else "kept"
    if not reading.item.counts and not reading.errors:
        outcome = "ignored"
    lead: dict[str, Any] | None = None
    if contact is not None:
        lead = {"source": contact.source, **contact.fields}
        lead |= {"external_id": contact.external_id} if contact.external_id else {}
        lead |= {"attributes": dict(contact.attributes)} if contact.attributes else {}
        lead |= {"consent": dict(contact.consent.channels)} if contact.consent else {}
    return TestedItem(
        outcome=outcome,
        lead=lead,
        meeting=meeting._asdict() | {"cancelled": meeting.starts_at is None} if meeting else None,
        warnings=errors_out(reading.warnings),
        errors=errors_out(reading.errors),
    )


@router.get("/webhooks/{token}/deliveries")
async def list_deliveries(
    principal: Operator,
    work: TenantWork,
    token: str,
    state: Literal["kept", "replayed"] | None = None,
    limit: Limit = 50,
    cursor: str | None = None,
) -> Page[DeliveryOut]:
    """What arrived and made no lead, the newest first, with the reasons."""
    await use_cases.get_webhook(work, principal.tenant, token)
    before = decode_cursor(cursor, before=UUID)["before"] if cursor else None
    rows = await store.deliveries(work, principal.tenant, token, state=state, before=before, limit=limit)
    more = encode_cursor({"before": str(rows[-1]["delivery_id"])}) if len(rows) == limit else None
    return Page(items=[_delivery_out(row) for row in rows], next_cursor=more)


def _delivery_out(row: Mapping[str, Any]) -> DeliveryOut:
    body = row.get("body")
    return DeliveryOut(
        id=row["delivery_id"],
        **{name: row[name] for name in DeliveryOut.model_fields if name in row and name != "body"},
        body=body.decode(errors="replace") if body else None,
    )


@router.get("/webhooks/{token}/deliveries/{delivery_id}")
async def get_delivery(principal: Operator, work: TenantWork, token: str, delivery_id: UUID) -> DeliveryOut:
    """One delivery with its body."""
    row = await store.read_delivery(work, principal.tenant, token, delivery_id)
    if row is None:
        raise NotFound("there is no such delivery")
    return _delivery_out(dict(row))


@router.post("/webhooks/{token}/deliveries/{delivery_id}/replay")
async def replay_delivery(
    principal: Operator, work: TenantWork, token: str, delivery_id: UUID, normaliser: Normaliser
) -> DeliveryOut:
    """Read a kept delivery again by the present mapping. `state: kept` in the answer: it still makes no lead."""
    webhook = await use_cases.get_webhook(work, principal.tenant, token)
    return _delivery_out(dict(await use_cases.replay(work, webhook, delivery_id, normaliser)))


@router.post("/webhooks/{token}/replay")
async def replay_deliveries(
    request: Request, principal: Operator, token: str, normaliser: Normaliser, cursor: str | None = None
) -> ReplayOutcome:
    """Replay the 500 oldest kept deliveries: how many passed (`taken`), and how many are still kept.

    Where more may follow, the answer has the `next_cursor` to call it with again.
    """
    service: Service = request.app.state.service
    after = decode_cursor(cursor, after=UUID)["after"] if cursor else None
    async with service.database.tenant(principal.tenant) as work:
        webhook = await use_cases.get_webhook(work, principal.tenant, token)
    outcome, last = await use_cases.replay_all(service.database, webhook, normaliser, after)
    more = encode_cursor({"after": str(last)}) if last else None
    return ReplayOutcome(taken=outcome.taken, kept=outcome.kept, next_cursor=more)
