"""The public routes of a webhook: the sender's verification of the address, and its deliveries."""

from fastapi import Depends, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from services.capture.endpoints.forms import public_url
from services.capture.endpoints.leads import Normaliser
from services.capture.rules.webhook_signatures import Sent, answer_to_facebook, answer_to_linkedin
from services.capture.schemas.webhooks import DeliveryOutcome, LinkedInAnswer
from services.capture.use_cases import webhooks as use_cases
from shared.errors import Forbidden, NotFound
from shared.http import Router, large_body, public
from shared.service import Service

router = Router(tags=["public webhooks"])

_BODY = {
    "requestBody": {
        "content": {
            "application/json": {"schema": {"description": "What the sender sends; the mapping reads it"}},
            "application/x-www-form-urlencoded": {"schema": {"type": "object"}},
            "multipart/form-data": {"schema": {"type": "object"}},
        }
    }
}


@router.get(
    "/webhooks/{token}",
    dependencies=[Depends(public)],
    response_model=LinkedInAnswer,
    responses={
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}},
        403: {"description": "This is not the verification that the webhook expects"},
    },
)
async def verify_webhook(request: Request, token: str) -> Response:
    """The answer to a sender that verifies the address before it sends: Meta and LinkedIn do."""
    service: Service = request.app.state.service
    webhook = await use_cases.find_public(service.database, token)
    settings, query = webhook.settings, dict(request.query_params)
    if settings["challenge"] == "facebook":
        challenge = answer_to_facebook(settings["verify_token"], query)
        if challenge is not None:
            return PlainTextResponse(challenge)
    elif settings["challenge"] == "linkedin":
        answer = answer_to_linkedin(webhook.row["secret"] or b"", query)
        if answer is not None:
            return JSONResponse(answer)
    else:
        raise NotFound("this webhook only takes deliveries: send them by POST")
    raise Forbidden("this is not the verification that the webhook expects")


@router.post(
    "/webhooks/{token}",
    dependencies=[Depends(public), Depends(large_body)],
    response_model=DeliveryOutcome,
    responses={
        202: {"model": DeliveryOutcome, "description": "A part of it was kept for review"},
        403: {"description": "The sender has not signed it as the webhook expects"},
        429: {"description": "Too much is kept for review; Retry-After says when to try again"},
    },
    openapi_extra=_BODY,
)
async def receive_delivery(request: Request, token: str, normaliser: Normaliser) -> Response:
    """Take a delivery, JSON or a form: 200 when all of it was taken or ignored, 202 when a part was kept for review."""
    service: Service = request.app.state.service
    webhook = await use_cases.find_public(service.database, token)
    query = f"?{request.url.query}" if request.url.query else ""
    sent = Sent(
        method=request.method,
        url=f"{public_url(request)}{request.url.path}{query}",
        headers={name.lower(): value for name, value in request.headers.items()},
        body=await request.body(),
    )
    outcome = await use_cases.receive(service.database, webhook, sent, normaliser)
    return JSONResponse(outcome._asdict(), 202 if outcome.kept else 200)
