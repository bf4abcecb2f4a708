"""Ready-made webhooks for what well-known senders document: mapping, signature and verification.

A preset is where an admin begins: each part can be replaced when the webhook is made.
"""

from collections.abc import Mapping
from typing import NamedTuple

from services.capture.rules.webhook_mapping import WebhookMapping
from services.capture.rules.webhook_signatures import Signature


class Preset(NamedTuple):
    """`challenge`: how the sender verifies the address before it sends. `note`: what an admin has to know."""

    mapping: WebhookMapping
    signature: Signature
    challenge: str = ""
    note: str = ""


def _meta(name: str) -> str:
    return f"field_data[?name=='{name}'].values | [0] | [0]"


def _linkedin(field: str) -> str:
    """The answer to the question that LinkedIn knows by this predefined name."""
    question = f"form.content.questions[?predefinedField=='{field}'].questionId | [0]"
    return f"find(formResponse.answers, 'questionId', {question}).answerDetails.textQuestionAnswer.answer"


def _typeform(ref: str) -> str:
    return f"form_response.answers[?field.ref=='{ref}'].text | [0]"


def _hubspot(name: str) -> str:
    """A property as the contact of a workflow has it (`{"value": ...}`), as the CRM's API has it (the value), or as the
    notification of its change has it."""
    return f"properties.{name}.value || properties.{name} || propertyName=='{name}' && propertyValue"


PRESETS: Mapping[str, Preset] = {
    # Lead: developers.facebook.com/docs/marketing-api/guides/lead-ads/retrieving
    # Notification: developers.facebook.com/docs/graph-api/webhooks/getting-started/webhooks-for-leadgen
    "facebook_lead_ads": Preset(
        WebhookMapping(
            {
                "external_id": "leadgen_id || id",
                "email": f"({_meta('email')}) || ({_meta('work_email')})",
                "phone": f"({_meta('phone_number')}) || ({_meta('work_phone_number')})",
                "full_name": _meta("full_name"),
                "first_name": _meta("first_name"),
                "last_name": _meta("last_name"),
                "company": _meta("company_name"),
                "job_title": _meta("job_title"),
                "country": _meta("country"),
                "campaign": "campaign_name",
                "attributes.form_id": "form_id",
                "attributes.ad_id": "ad_id",
            },
            items="entry[].changes[?field=='leadgen'].value[] || data || [@]",
        ),
        Signature("X-Hub-Signature-256", prefix="sha256="),
        challenge="facebook",
        note="A notification of Facebook's own has only the id of the lead and no address: it is kept. Send the lead "
        "as the Graph API answers it (with field_data), or add field_data to the notification.",
    ),
    # Lead: learn.microsoft.com/en-us/linkedin/marketing/lead-sync/leadsync
    # Signature: learn.microsoft.com/en-us/linkedin/shared/api-guide/webhook-validation
    "linkedin_lead_gen_forms": Preset(
        WebhookMapping(
            {
                "external_id": "id",
                "email": f"{_linkedin('EMAIL')} || {_linkedin('WORK_EMAIL')}",
                "phone": f"{_linkedin('PHONE_NUMBER')} || {_linkedin('WORK_PHONE_NUMBER')}",
                "first_name": _linkedin("FIRST_NAME"),
                "last_name": _linkedin("LAST_NAME"),
                "company": _linkedin("COMPANY_NAME"),
                "job_title": _linkedin("JOB_TITLE"),
                "country": _linkedin("COUNTRY"),
                "campaign": "leadMetadataInfo.sponsoredLeadMetadataInfo.campaign.name",
                "attributes.form": "form.name",
            },
            items="elements || [@]",
        ),
        Signature("X-LI-Signature", prefix="hmacsha256=", signed="hmacsha256={body}"),
        challenge="linkedin",
        note="A notification of LinkedIn's own has only the URN of the response and no address: it is kept. Send the "
        "response as leadFormResponses answers it, with the fields form and formResponse.",
    ),
    # Contact: knowledge.hubspot.com/workflows/how-do-i-use-webhooks-with-hubspot-workflows
    # Notification: developers.hubspot.com/docs/api/webhooks
    # Signature: developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation
    "hubspot": Preset(
        WebhookMapping(
            {
                "external_id": "vid || id || objectId",
                "email": _hubspot("email"),
                "phone": f"{_hubspot('mobilephone')} || {_hubspot('phone')}",
                "first_name": _hubspot("firstname"),
                "last_name": _hubspot("lastname"),
                "company": _hubspot("company"),
                "job_title": _hubspot("jobtitle"),
                "website": _hubspot("website"),
                "country": _hubspot("country"),
                "attributes.lifecycle_stage": "properties.lifecyclestage.value || properties.lifecyclestage",
            },
            items="results || [@][]",
        ),
        Signature(
            "X-HubSpot-Signature-v3",
            encoding="base64",
            signed="{method}{url}{body}{timestamp}",
            timestamp_header="X-HubSpot-Request-Timestamp",
        ),
        note="The address that HubSpot calls is a part of what it signs: LEADFLOW_CAPTURE_PUBLIC_URL has to be the "
        "one that HubSpot sees.",
    ),
    # typeform.com/developers/webhooks/example-payload and typeform.com/developers/webhooks/secure-your-webhooks
    "typeform": Preset(
        WebhookMapping(
            {
                "external_id": "form_response.token",
                "email": "form_response.answers[?type=='email'].email | [0]",
                "phone": "form_response.answers[?type=='phone_number'].phone_number | [0]",
                "full_name": f"({_typeform('full_name')}) || ({_typeform('name')})",
                "first_name": _typeform("first_name"),
                "last_name": _typeform("last_name"),
                "company": _typeform("company"),
                "job_title": _typeform("job_title"),
                "website": "form_response.answers[?type=='url'].url | [0]",
                "campaign": "form_response.hidden.utm_campaign",
                "consent.email": "form_response.answers[?field.type=='legal'].boolean | [0]",
                "attributes.form": "form_response.definition.title",
            },
            when="event_type=='form_response'",
        ),
        Signature("Typeform-Signature", prefix="sha256=", encoding="base64"),
        note="Give the questions for names, company and job title the refs full_name, first_name, last_name, company "
        "and job_title.",
    ),
    # developer.calendly.com/api-docs: "Webhook payload" and "Webhook signatures"
    "calendly": Preset(
        WebhookMapping(
            {
                "email": "payload.email",
                "full_name": "payload.name",
                "first_name": "payload.first_name",
                "last_name": "payload.last_name",
                "phone": "payload.text_reminder_number",
                "timezone": "payload.timezone",
                "campaign": "payload.tracking.utm_campaign",
                "attributes.answers": "payload.questions_and_answers",
            },
            when="event=='invitee.created' || event=='invitee.canceled'",
            meeting={
                "id": "payload.scheduled_event.uri",
                "starts_at": "payload.scheduled_event.start_time",
                "ends_at": "payload.scheduled_event.end_time",
                "title": "payload.scheduled_event.name",
                "cancelled": "event=='invitee.canceled'",
                "at": "created_at",
            },
        ),
        Signature("Calendly-Webhook-Signature", element="v1", timestamp_element="t", signed="{timestamp}.{body}"),
        note="A moved appointment arrives as a cancellation and a booking, and is both here.",
    ),
}
