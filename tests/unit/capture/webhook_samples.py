"""Bodies as the senders document them, written anew with people of our own.

| sender | page |
|---|---|
| Meta | developers.facebook.com/docs/marketing-api/guides/lead-ads/retrieving, and .../graph-api/webhooks/getting-started/webhooks-for-leadgen |
| LinkedIn | learn.microsoft.com/en-us/linkedin/marketing/lead-sync/leadsync |
| HubSpot | developers.hubspot.com/docs/api/crm/contacts and .../docs/api/webhooks, and knowledge.hubspot.com on webhooks in workflows |
| Typeform | typeform.com/developers/webhooks/example-payload |
| Calendly | developer.calendly.com/api-docs, "Webhook payload" |
"""  # noqa: E501

from typing import Any

_FIELD_DATA = [
    {"name": "email", "values": ["ada@acme.example"]},
    {"name": "full_name", "values": ["Ada King"]},
    {"name": "phone_number", "values": ["+4915123456789"]},
    {"name": "company_name", "values": ["Acme"]},
]
FACEBOOK_LEAD: dict[str, Any] = {
    "created_time": "2026-03-02T08:49:14+0000",
    "id": "1000000000000001",
    "ad_id": "2000000000000002",
    "form_id": "3000000000000003",
    "campaign_name": "spring",
    "field_data": _FIELD_DATA,
}
FACEBOOK_NOTIFICATION: dict[str, Any] = {
    "object": "page",
    "entry": [
        {
            "id": "153125381133",
            "time": 1772441354,
            "changes": [
                {
                    "field": "leadgen",
                    "value": {
                        "leadgen_id": "1000000000000001",
                        "page_id": "153125381133",
                        "form_id": "3000000000000003",
                        "adgroup_id": "4000000000000004",
                        "ad_id": "2000000000000002",
                        "created_time": 1772441354,
                    },
                }
            ],
        }
    ],
}


def _answer(question: int, text: str) -> dict[str, Any]:
    return {"questionId": question, "answerDetails": {"textQuestionAnswer": {"answer": text}}}


LINKEDIN_RESPONSES: dict[str, Any] = {
    "paging": {"start": 0, "count": 10, "links": [], "total": 1},
    "elements": [
        {
            "id": "e35bd6fb-8b28-4b5c-9d2d-1d43e5f63a11-3",
            "owner": {"sponsoredAccount": "urn:li:sponsoredAccount:11223344"},
            "submittedAt": 1772441354000,
            "testLead": False,
            "leadType": "SPONSORED",
            "form": {
                "id": 7234246,
                "name": "Autumn fair",
                "hiddenFields": [{"name": "hidden_field", "value": "abc678"}],
                "content": {
                    "questions": [
                        {"questionId": 3, "name": "E-mail", "predefinedField": "EMAIL"},
                        {"questionId": 1, "name": "First name", "predefinedField": "FIRST_NAME"},
                        {"questionId": 2, "name": "Last name", "predefinedField": "LAST_NAME"},
                        {"questionId": 4, "name": "Company", "predefinedField": "COMPANY_NAME"},
                        {"questionId": 5, "name": "What for?"},
                    ]
                },
            },
            "formResponse": {
                "answers": [
                    _answer(1, "Ada"),
                    _answer(2, "King"),
                    _answer(3, "ada@acme.example"),
                    _answer(4, "Acme"),
                    _answer(5, "Numbers"),
                ]
            },
        }
    ],
}
HUBSPOT_WORKFLOW: dict[str, Any] = {
    "vid": 5501,
    "portal-id": 62515,
    "is-contact": True,
    "properties": {
        "email": {"value": "ada@acme.example", "versions": []},
        "firstname": {"value": "Ada", "versions": []},
        "lastname": {"value": "King", "versions": []},
        "company": {"value": "Acme", "versions": []},
        "phone": {"value": "+49 151 23456789", "versions": []},
    },
}
HUBSPOT_CRM: dict[str, Any] = {
    "id": "5501",
    "properties": {"email": "ada@acme.example", "firstname": "Ada", "lastname": "King", "company": "Acme"},
    "createdAt": "2026-03-02T08:49:14.000Z",
    "archived": False,
}
HUBSPOT_CHANGE: dict[str, Any] = {
    "eventId": 1,
    "subscriptionId": 25,
    "portalId": 33,
    "appId": 1160452,
    "occurredAt": 1772441354000,
    "subscriptionType": "contact.propertyChange",
    "attemptNumber": 0,
    "objectId": 5501,
    "propertyName": "email",
    "propertyValue": "ada@acme.example",
    "changeSource": "CRM",
}
TYPEFORM: dict[str, Any] = {
    "event_id": "LtWXD3crgy",
    "event_type": "form_response",
    "form_response": {
        "form_id": "lT4Z3j",
        "token": "a3a12ec67a1365927098a606107fac15",
        "submitted_at": "2026-03-02T18:17:02Z",
        "landed_at": "2026-03-02T18:07:02Z",
        "hidden": {"utm_campaign": "spring"},
        "definition": {
            "id": "lT4Z3j",
            "title": "Write to us",
            "fields": [
                {"id": "DlXFaesGBpoF", "title": "Who are you?", "type": "short_text", "ref": "full_name"},
                {"id": "SMEUb7VJz92Q", "title": "Your e-mail?", "type": "email", "ref": "mail"},
                {"id": "k6TP9oLGgHjl", "title": "May we write?", "type": "legal", "ref": "terms"},
            ],
        },
        "answers": [
            {
                "type": "text",
                "text": "Ada King",
                "field": {"id": "DlXFaesGBpoF", "type": "short_text", "ref": "full_name"},
            },
            {
                "type": "email",
                "email": "ada@acme.example",
                "field": {"id": "SMEUb7VJz92Q", "type": "email", "ref": "mail"},
            },
            {"type": "boolean", "boolean": True, "field": {"id": "k6TP9oLGgHjl", "type": "legal", "ref": "terms"}},
        ],
    },
}
CALENDLY: dict[str, Any] = {
    "event": "invitee.created",
    "created_at": "2026-03-02T12:00:00.000000Z",
    "created_by": "https://api.calendly.com/users/AAAAAAAAAAAAAAAA",
    "payload": {
        "uri": "https://api.calendly.com/scheduled_events/GBGBDCAADAEDCRZ2/invitees/AAAAAAAAAAAAAAAA",
        "email": "ada@acme.example",
        "name": "Ada King",
        "first_name": None,
        "last_name": None,
        "status": "active",
        "timezone": "Europe/Berlin",
        "text_reminder_number": None,
        "questions_and_answers": [{"question": "What about?", "answer": "Numbers", "position": 0}],
        "rescheduled": False,
        "tracking": {"utm_campaign": None, "utm_source": None},
        "event": "https://api.calendly.com/scheduled_events/GBGBDCAADAEDCRZ2",
        "scheduled_event": {
            "uri": "https://api.calendly.com/scheduled_events/GBGBDCAADAEDCRZ2",
            "name": "30 minutes",
            "status": "active",
            "start_time": "2096-03-18T13:00:00.000000Z",
            "end_time": "2096-03-18T13:30:00.000000Z",
            "event_type": "https://api.calendly.com/event_types/GBGBDCAADAEDCRZ2",
        },
    },
}
