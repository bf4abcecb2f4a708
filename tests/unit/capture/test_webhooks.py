"""Webhooks: what the mappings find in the bodies that senders document, and which signatures are theirs."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime

import pytest

from services.capture.rules.contact import normalise
from services.capture.rules.webhook_mapping import WebhookMapping, items_of, mapping_errors, read_item
from services.capture.rules.webhook_presets import PRESETS
from services.capture.rules.webhook_signatures import (
    Sent,
    Signature,
    answer_to_facebook,
    answer_to_linkedin,
    problem_of,
    sign,
)
from tests.unit.capture import webhook_samples as samples
from tests.unit.capture.builders import NORMALISER

SECRET = b"a-secret-of-the-sender"
NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
STAMP = str(int(NOW.timestamp()))


def leads_of(preset, body):
    mapping = PRESETS[preset].mapping
    read = [read_item(mapping, raw, "ads") for raw in items_of(mapping, body)]
    return [dict(normalise(item.submission, NORMALISER)[0].fields) for item in read]


@pytest.mark.parametrize(
    ("preset", "body", "expected"),
    [
        ("facebook_lead_ads", samples.FACEBOOK_LEAD, {"full_name": "Ada King", "phone": "+4915123456789"}),
        ("facebook_lead_ads", {"data": [samples.FACEBOOK_LEAD]}, {"company": "Acme", "campaign": "spring"}),
        ("linkedin_lead_gen_forms", samples.LINKEDIN_RESPONSES, {"first_name": "Ada", "last_name": "King"}),
        ("linkedin_lead_gen_forms", samples.LINKEDIN_RESPONSES["elements"][0], {"company": "Acme"}),
        ("hubspot", samples.HUBSPOT_WORKFLOW, {"first_name": "Ada", "phone": "+4915123456789"}),
        ("hubspot", [samples.HUBSPOT_CHANGE], {}),
        ("hubspot", [samples.HUBSPOT_CRM], {"last_name": "King", "company": "Acme"}),
        ("typeform", samples.TYPEFORM, {"full_name": "Ada King", "campaign": "spring"}),
        ("calendly", samples.CALENDLY, {"full_name": "Ada King", "timezone": "Europe/Berlin"}),
    ],
)
def test_a_body_as_its_sender_documents_it_is_a_lead(preset, body, expected):
    (lead,) = leads_of(preset, body)
    assert {"email": "ada@acme.example", **expected}.items() <= lead.items()


def test_the_presets_find_ids_and_consent_too():
    def submission(preset, body):
        mapping = PRESETS[preset].mapping
        (raw,) = items_of(mapping, body)
        return read_item(mapping, raw, "ads").submission

    def external_id(body):
        contact, _ = normalise({"email": "ada@x.example", **submission("hubspot", body)}, NORMALISER)
        return contact.external_id

    assert submission("facebook_lead_ads", samples.FACEBOOK_LEAD)["external_id"] == "1000000000000001"
    assert external_id(samples.HUBSPOT_WORKFLOW) == "5501"
    assert external_id({"properties": {"email": "bob@x.example"}}) is None, "all leads without an id would be one lead"
    assert submission("typeform", samples.TYPEFORM)["consent"] == {"email": "granted"}
    assert submission("calendly", samples.CALENDLY)["attributes"]["answers"][0]["answer"] == "Numbers"


def test_a_notification_without_an_address_makes_no_lead_and_says_why():
    mapping = PRESETS["facebook_lead_ads"].mapping
    (raw,) = items_of(mapping, samples.FACEBOOK_NOTIFICATION)
    contact, errors = normalise(read_item(mapping, raw, "ads").submission, NORMALISER)
    assert contact is None
    assert "at least one of email and phone" in errors[0].message


def test_a_booking_and_a_cancellation_are_meetings():
    mapping = PRESETS["calendly"].mapping
    booked = read_item(mapping, samples.CALENDLY, "calendly").meeting
    assert booked.id == "https://api.calendly.com/scheduled_events/GBGBDCAADAEDCRZ2"
    assert (booked.starts_at.isoformat(), booked.title) == ("2096-03-18T13:00:00+00:00", "30 minutes")
    cancelled = read_item(mapping, samples.CALENDLY | {"event": "invitee.canceled"}, "calendly").meeting
    assert (cancelled.id, cancelled.starts_at) == (booked.id, None)
    other = read_item(mapping, samples.CALENDLY | {"event": "routing_form_submission.created"}, "calendly")
    assert not other.counts


@pytest.mark.parametrize(
    ("times", "field"),
    [
        ({"start": "tomorrow", "end": "2096-03-18T13:30:00Z"}, "meeting.starts_at"),
        ({"start": "2096-03-18T13:00:00", "end": "2096-03-18T13:30:00Z"}, "meeting.starts_at"),
        ({"start": "2096-03-18T13:00:00Z", "end": "2096-03-18T13:00:00Z"}, "meeting.ends_at"),
        ({"start": "2096-03-18T13:00:00Z"}, "meeting.ends_at"),
    ],
)
def test_a_meeting_without_sound_times_is_an_error(times, field):
    mapping = WebhookMapping({"email": "email"}, meeting={"id": "id", "starts_at": "start", "ends_at": "end"})
    item = read_item(mapping, {"email": "a@b.example", "id": 7, **times}, "x")
    assert item.meeting is None
    assert [error.field for error in item.errors] == [field]


def test_an_expression_that_does_not_fit_costs_its_field_only():
    mapping = WebhookMapping({"email": "mail", "company": "length(company)", "consent.sms": "sms"})
    item = read_item(mapping, {"mail": ["", "a@b.example"], "company": None, "sms": False}, "x")
    assert item.submission == {"source": "x", "email": "a@b.example", "consent": {"sms": "denied"}}
    assert [error.field for error in item.errors] == ["company"]


@pytest.mark.parametrize(
    ("mapping", "fields"),
    [
        (WebhookMapping({"email": "a["}), ["mapping.email"]),
        (WebhookMapping({"mail": "a", "phone": "b"}), ["mapping"]),
        (WebhookMapping({"company": "a"}), ["mapping"]),
        (WebhookMapping({"email": "a"}, items="]", when="("), ["items", "when"]),
        (WebhookMapping({"email": "a"}, meeting={"id": "a"}), ["meeting"]),
        (WebhookMapping({"email": "a" * 2_001}), ["mapping.email"]),
        (WebhookMapping({"email": "a", "attributes.plan": "b", "consent.email": "c"}), []),
    ],
)
def test_what_is_wrong_with_a_mapping_is_named(mapping, fields):
    assert [error.field for error in mapping_errors(mapping)] == fields


def test_a_list_of_items_has_a_bound():
    mapping = WebhookMapping({"email": "email"}, items="leads")
    assert len(items_of(mapping, {"leads": [{}] * 1_000})) == 1_000
    for body in ({"leads": [{}] * 1_001}, {"leads": []}, {"leads": "x"}, {}, [], None, "x"):
        with pytest.raises(ValueError, match="items"):
            items_of(mapping, body)


def sent(body=b'{"a": 1}', **headers):
    named = {name.replace("_", "-").lower(): value for name, value in headers.items()}
    return Sent("POST", "https://leads.example.org/v1/webhooks/x", named, body)


@pytest.mark.parametrize(
    ("preset", "headers"),
    [
        (
            "facebook_lead_ads",
            {"X-Hub-Signature-256": "sha256=" + hmac.new(SECRET, b'{"a": 1}', hashlib.sha256).hexdigest()},
        ),
        (
            "linkedin_lead_gen_forms",
            {"X-LI-Signature": hmac.new(SECRET, b'hmacsha256={"a": 1}', hashlib.sha256).hexdigest()},
        ),
        (
            "typeform",
            {
                "Typeform-Signature": "sha256="
                + base64.b64encode(hmac.new(SECRET, b'{"a": 1}', hashlib.sha256).digest()).decode()
            },
        ),
        (
            "hubspot",
            {
                "X-HubSpot-Request-Timestamp": f"{STAMP}000",
                "X-HubSpot-Signature-v3": base64.b64encode(
                    hmac.new(
                        SECRET,
                        b'POSThttps://leads.example.org/v1/webhooks/x{"a": 1}' + STAMP.encode() + b"000",
                        hashlib.sha256,
                    ).digest()
                ).decode(),
            },
        ),
        (
            "calendly",
            {
                "Calendly-Webhook-Signature": f"t={STAMP},v1="
                + hmac.new(SECRET, STAMP.encode() + b'.{"a": 1}', hashlib.sha256).hexdigest()
            },
        ),
    ],
)
def test_a_signature_as_its_sender_documents_it_is_verified_over_the_raw_bytes(preset, headers):
    signature = PRESETS[preset].signature
    assert problem_of(signature, SECRET, sent(**headers), NOW) is None
    assert "not the one of this body" in problem_of(signature, SECRET, sent(b'{"a":1}', **headers), NOW)
    assert "not the one of this body" in problem_of(signature, b"another", sent(**headers), NOW)
    assert "missing" in problem_of(signature, SECRET, sent(), NOW)


@pytest.mark.parametrize("preset", ["hubspot", "calendly"])
@pytest.mark.parametrize("seconds", [-301, 301])
def test_a_signature_with_a_timestamp_counts_for_a_while_only(preset, seconds):
    signature = PRESETS[preset].signature
    stamp = str(int(NOW.timestamp()) + seconds)
    headers = {signature.header: sign(signature, SECRET, sent(), stamp)}
    headers |= {signature.timestamp_header: stamp} if signature.timestamp_header else {}
    assert "not of the last 300 seconds" in problem_of(signature, SECRET, sent(**headers), NOW)


@pytest.mark.parametrize("stamp", ["", "now", "-1", "١٢٣", "9" * 30])
def test_a_timestamp_that_is_none_is_refused(stamp):
    signature = PRESETS["calendly"].signature
    headers = {"Calendly-Webhook-Signature": sign(signature, SECRET, sent(), stamp)}
    assert problem_of(signature, SECRET, sent(**headers), NOW) is not None


def test_sha1_and_any_other_sender_can_be_described():
    signature = Signature("X-Sig", algorithm="sha1", encoding="base64", prefix="v0:", signed="{method} {body}")
    expected = base64.b64encode(hmac.new(SECRET, b'POST {"a": 1}', hashlib.sha1).digest()).decode()
    assert sign(signature, SECRET, sent()) == f"v0:{expected}"
    assert problem_of(signature, SECRET, sent(**{"X-Sig": f"v0:{expected}"}), NOW) is None
    for wrong in ("v0:", "v0:é", "v0:" + "=" * 5_000, expected[:-4]):
        assert problem_of(signature, SECRET, sent(**{"X-Sig": wrong}), NOW) is not None


def test_a_body_cannot_take_the_place_of_another_part():
    signature = Signature("X-Sig", signed="{body}.{timestamp}", timestamp_header="X-Time")
    forged = sent(b"{timestamp}", **{"X-Time": STAMP})
    honest = hmac.new(SECRET, b"{timestamp}." + STAMP.encode(), hashlib.sha256).hexdigest()
    assert sign(signature, SECRET, forged, STAMP) == honest


def test_the_challenges_of_meta_and_linkedin_are_answered():
    query = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": "meaty"}
    assert answer_to_facebook("meaty", query) == "1158201444"
    assert answer_to_facebook("other", query) is None
    assert answer_to_facebook("meaty", query | {"hub.challenge": "<script>"}) is None
    code = "890e4665-4dfe-4ab1-b689-ed553bceeed0"
    assert answer_to_linkedin(SECRET, {"challengeCode": code}) == {
        "challengeCode": code,
        "challengeResponse": hmac.new(SECRET, code.encode(), hashlib.sha256).hexdigest(),
    }
    assert answer_to_linkedin(SECRET, {"challengeCode": 'hmacsha256={"a": 1}'}) is None, "it would sign anything"
