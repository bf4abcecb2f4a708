"""Web forms over HTTP: made by an admin, shown without JavaScript, sent by visitors, guarded against machines."""

import asyncio
import hashlib
from html.parser import HTMLParser
from itertools import count
from urllib.parse import urlencode

import pytest

from tests.below_a_path import Targets

PAGE = {"Accept": "text/html,application/xhtml+xml"}


async def a_form(admin, **more):
    body = {"name": "Contact us", "source": "website", "fields": ["email", "full_name", "message"], **more}
    answer = await admin.post("/v1/forms", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def leads(api, email="ada@acme.example"):
    return (await api.get("/v1/leads", params={"email": email})).json()["items"]


class Inputs(HTMLParser):
    """The names and values of the inputs of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag in ("input", "textarea", "select") and "name" in given:
            self.values[given["name"]] = given.get("value") or ""


async def test_a_submission_is_a_lead_and_an_engagement_of_kind_form(admin, visitor, bus, tenant):
    form = await a_form(admin)
    answer = await visitor.post(
        f"/v1/forms/{form['token']}/submissions",
        json={"email": "Ada@Acme.example", "full_name": "Ada King", "message": "Call me", "unasked": "x"},
        headers={"Referer": "https://www.acme.example/contact?email=ada#top"},
    )
    assert answer.status_code == 201, answer.text
    assert "lead_id" not in answer.text
    (captured,) = await bus.read("lead.captured", tenant=tenant)
    assert captured.data["email"] == "ada@acme.example"
    assert captured.data["source"] == "website"
    assert captured.data["attributes"] == {"message": "Call me"}
    (engaged,) = await bus.read("engagement.recorded", tenant=tenant)
    assert engaged.lead_id == captured.lead_id
    assert (engaged.data["kind"], engaged.data["page"]) == ("form", "Contact us")
    assert engaged.data["url"] == "https://www.acme.example/contact"


async def test_a_filled_honeypot_gets_the_same_answer_and_makes_no_lead(admin, visitor, api, bus, tenant):
    form = await a_form(admin)
    path = f"/v1/forms/{form['token']}/submissions"
    trapped = await visitor.post(path, json={"email": "bot@acme.example", form["honeypot"]: "x"})
    honest = await visitor.post(path, json={"email": "ada@acme.example", form["honeypot"]: " "})
    assert (trapped.status_code, trapped.json()) == (honest.status_code, honest.json())
    await bus.read("engagement.recorded", tenant=tenant)
    assert await leads(api, "bot@acme.example") == []
    assert len(await leads(api)) == 1
    assert len(bus.seen("engagement.recorded", tenant=tenant)) == 1


@pytest.mark.parametrize("kind", ["urlencoded", "multipart"])
async def test_the_page_is_filled_in_and_sent_without_javascript(admin, visitor, api, kind):
    consent = {"text": "You may write to me.", "channels": ["email"], "required": True}
    form = await a_form(admin, consent=consent, title="Write <to> us")
    page = await visitor.get(f"/v1/forms/{form['token']}", headers=PAGE)
    assert page.status_code == 200
    assert "Write &lt;to&gt; us" in page.text
    assert "<script" not in page.text
    assert "frame-ancestors 'self'" in page.headers["content-security-policy"]
    inputs = Inputs(page.text).values
    assert set(inputs) == {"email", "full_name", "message", "started", "consent", form["honeypot"]}
    (action,) = Targets(page).forms
    filled = inputs | {"email": "nonsense", "full_name": 'Ada "King"'}
    del filled["consent"]

    async def send(values):
        if kind == "urlencoded":
            headers = {**PAGE, "Content-Type": "application/x-www-form-urlencoded"}
            return await visitor.post(action, content=urlencode(values), headers=headers)
        return await visitor.post(action, files={name: (None, value) for name, value in values.items()}, headers=PAGE)

    wrong = await send(filled)
    assert wrong.status_code == 422
    assert "E-mail an email address must have an @-sign." in wrong.text
    assert "Your consent is needed." in wrong.text
    again = Inputs(wrong.text).values
    assert (again["email"], again["full_name"]) == ("nonsense", 'Ada "King"')
    done = await send(again | {"email": "ada@acme.example", "consent": "on"})
    assert (done.status_code, done.headers["location"]) == (303, f"/v1/forms/{form['token']}/thank-you")
    thanks = await visitor.get(done.headers["location"], headers=PAGE)
    assert "Thank you. We have received your details." in thanks.text
    (lead,) = await leads(api)
    assert (lead["full_name"], lead["consent"]["email"], lead["consent"]["basis"]) == (
        'Ada "King"',
        "granted",
        "consent",
    )


async def test_fields_are_read_in_the_shapes_in_which_people_write_them(admin):
    lists = await a_form(admin, fields=["email", {"name": "budget", "options": ["low", "high"], "required": True}])
    assert [(one["name"], one["type"]) for one in lists["fields"]] == [("email", "email"), ("budget", "select")]
    maps = await a_form(admin, fields={"email": "Your mail", "phone": {"required": True}})
    assert [(one["name"], one["label"], one["required"]) for one in maps["fields"]] == [
        ("email", "Your mail", False),
        ("phone", "Phone", True),
    ]
    for fields in ([], "email", ["company"], ["email", "email"], ["email", "source"], ["email", {"name": "<b>"}], [5]):
        answer = await admin.post("/v1/forms", json={"name": "x", "source": "x", "fields": fields})
        assert answer.status_code == 422, fields
        assert "fields" in answer.json()["errors"][0]["field"]


async def test_what_a_visitor_enters_is_checked_by_field(admin, visitor, api):
    fields = ["email", "phone", {"name": "budget", "options": ["low", "high"]}, {"name": "company", "required": True}]
    form = await a_form(admin, fields=fields)
    path = f"/v1/forms/{form['token']}/submissions"
    good = {"email": "ada@acme.example", "company": "Acme"}
    for wrong, field in (
        ({"company": " "}, "company"),
        ({"budget": "huge"}, "budget"),
        ({"phone": "call me"}, "phone"),
        ({"email": "nonsense"}, "email"),
        ({"company": "x" * 2_001}, "company"),
    ):
        answer = await visitor.post(path, json=good | wrong)
        assert answer.status_code == 422, wrong
        assert [error["field"] for error in answer.json()["errors"]] == [field]
    for content, kind, status in (
        (b"[]", "application/json", 422),
        (b"{", "application/json", 400),
        (b"x", "text/plain", 415),
        (b"--x", "multipart/form-data; boundary=y", 400),
    ):
        answer = await visitor.post(path, content=content, headers={"Content-Type": kind})
        assert answer.status_code == status, (content, answer.text)
    assert await leads(api) == []


async def test_only_pages_of_allowed_origins_send_the_form(admin, visitor, api):
    form = await a_form(admin, allowed_origins=["https://www.acme.example/"])
    path = f"/v1/forms/{form['token']}/submissions"
    ask = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    yes = await visitor.options(path, headers={"Origin": "https://www.acme.example", **ask})
    assert yes.status_code == 204
    assert yes.headers["access-control-allow-origin"] == "https://www.acme.example"
    assert "POST" in yes.headers["access-control-allow-methods"]
    assert "content-type" in yes.headers["access-control-allow-headers"].lower()
    no = await visitor.options(path, headers={"Origin": "https://evil.example", **ask})
    assert "access-control-allow-origin" not in no.headers

    async def post(origin, email):
        return await visitor.post(path, json={"email": email}, headers={"Origin": origin})

    for origin in ("https://evil.example", "null", "http://www.acme.example", "https://www.acme.example.evil.example"):
        refused = await post(origin, "ada@acme.example")
        assert refused.status_code == 403, origin
    assert await leads(api) == []
    taken = await post("https://www.acme.example", "ada@acme.example")
    assert (taken.status_code, taken.headers["access-control-allow-origin"]) == (201, "https://www.acme.example")
    wrong = await post("https://www.acme.example", "nonsense")
    assert (wrong.status_code, wrong.headers["access-control-allow-origin"]) == (422, "https://www.acme.example")
    assert (await post("http://capture", "eve@acme.example")).status_code == 201  # its own page
    page = await visitor.get(f"/v1/forms/{form['token']}", headers=PAGE)
    assert "frame-ancestors 'self' https://www.acme.example" in page.headers["content-security-policy"]


async def test_one_address_sends_a_form_so_often_in_a_minute(start, admin, visitor):
    form = await a_form(admin, rate_per_minute=3)
    other = await a_form(admin, rate_per_minute=3)
    path = f"/v1/forms/{form['token']}/submissions"
    answers = await asyncio.gather(*(visitor.post(path, json={"email": f"{n}@acme.example"}) for n in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201, 201, 201, 429, 429]
    waits = [int(answer.headers["retry-after"]) for answer in answers if answer.status_code == 429]
    assert all(50 <= wait <= 60 for wait in waits), waits
    replica = await start("capture", only="api", trusted_proxies=1)
    behind = replica.client(None)
    assert (await behind.post(path, json={"email": "a@acme.example"})).status_code == 429, "replicas count together"
    for address, status in (("198.51.100.1, 203.0.113.9", 201), ("203.0.113.9, 127.0.0.1", 429)):
        sent = await behind.post(path, json={"email": "a@acme.example"}, headers={"X-Forwarded-For": address})
        assert sent.status_code == status, address
    assert (await visitor.post(f"/v1/forms/{other['token']}/submissions", json={"email": "a@b.example"})).is_success


async def test_a_form_that_is_sent_too_soon_has_to_be_sent_once_more(capture, admin, visitor, api):
    form = await a_form(admin, min_fill_seconds=5)
    path = f"/v1/forms/{form['token']}"
    definition = (await visitor.get(path, headers={"Accept": "application/json"})).json()
    sent = {"email": "ada@acme.example", "started": definition["started"]}
    for early in (sent, sent | {"started": ""}, sent | {"started": "1.x.y"}, sent | {"started": "0" + sent["started"]}):
        answer = await visitor.post(f"{path}/submissions", json=early)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "started")
    page = await visitor.post(f"{path}/submissions", data=sent, headers=PAGE)
    again = Inputs(page.text).values["started"]
    assert again.partition(".")[0] == sent["started"].partition(".")[0], "the second attempt counts from the first"
    capture.database.clock.advance(seconds=6)
    try:
        assert (await visitor.post(f"{path}/submissions", json=sent)).status_code == 201
    finally:
        capture.database.clock.advance(seconds=-6)
    assert len(await leads(api)) == 1


async def test_a_proof_of_work_counts_once(admin, visitor):
    form = await a_form(admin, proof_of_work_bits=8)
    path = f"/v1/forms/{form['token']}"
    started = (await visitor.get(path, headers={"Accept": "application/json"})).json()["started"]
    digests = ((n, hashlib.sha256(f"{started}:{n}".encode()).digest()[0]) for n in count())
    work = next(str(n) for n, first in digests if first == 0)
    idle = next(str(n) for n in count() if hashlib.sha256(f"{started}:{n}".encode()).digest()[0])
    sent = {"email": "ada@acme.example", "started": started}
    assert (await visitor.post(f"{path}/submissions", json=sent)).status_code == 422
    assert (await visitor.post(f"{path}/submissions", json=sent | {"work": idle})).status_code == 422
    assert (await visitor.post(f"{path}/submissions", json=sent | {"work": work})).status_code == 201
    assert (await visitor.post(f"{path}/submissions", json=sent | {"work": work})).status_code == 422


async def test_consent_is_recorded_as_the_visitor_was_asked_for_it(admin, visitor, api):
    form = await a_form(admin, fields=["email"], consent={"text": "First text.", "channels": ["email"]})
    path = f"/v1/forms/{form['token']}"
    shown = {"started": (await visitor.get(path, headers={"Accept": "application/json"})).json()["started"]}
    page = Inputs((await visitor.get(path, headers=PAGE)).text).values
    second = {"text": "Second text.", "channels": ["email", "sms"], "required": True}
    assert (await admin.patch(path, json={"consent": second})).status_code == 200
    sent = shown | {"email": "ada@acme.example", "consent": True}
    assert (await visitor.post(f"{path}/submissions", json=sent)).status_code == 201
    (lead,) = await leads(api)
    assert lead["consent"]["email"] == "granted" and lead["consent"].get("sms", "unknown") == "unknown"
    changes = (await api.get(f"/v1/leads/{lead['lead_id']}/consent")).json()["items"]
    assert [(change["channel"], change["text"]["version"]) for change in changes] == [("email", 1)]
    wrong = await visitor.post(f"{path}/submissions", data=page | {"email": "x", "consent": "on"}, headers=PAGE)
    assert wrong.status_code == 422 and "Second text." in wrong.text
    assert 'name="consent" checked' not in wrong.text, "nobody has agreed to the second text"
    again = Inputs(wrong.text).values | {"email": "eve@acme.example", "consent": "on"}
    assert (await visitor.post(f"{path}/submissions", data=again)).status_code == 201
    (eve,) = await leads(api, "eve@acme.example")
    assert eve["consent"]["sms"] == "granted"


async def test_a_text_that_the_visitor_never_saw_is_not_agreed_to(admin, visitor):
    form = await a_form(admin, fields=["email"])
    path = f"/v1/forms/{form['token']}"
    shown = (await visitor.get(path, headers={"Accept": "application/json"})).json()["started"]
    assert (await admin.patch(path, json={"consent": {"text": "New.", "channels": ["sms"]}})).status_code == 200
    sent = {"started": shown, "email": "ada@acme.example"}
    answer = await visitor.post(f"{path}/submissions", json=sent | {"consent": True})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "consent")
    assert (await visitor.post(f"{path}/submissions", json=sent)).status_code == 201


async def test_a_question_with_the_name_of_the_honeypot_gets_the_form_another_one(admin, visitor, api):
    form = await a_form(admin, fields=["email"])
    path = f"/v1/forms/{form['token']}"
    changed = (await admin.patch(path, json={"fields": ["email", form["honeypot"]]})).json()
    assert changed["honeypot"] != form["honeypot"]
    sent = {"email": "ada@acme.example", form["honeypot"]: "123"}
    assert (await visitor.post(f"{path}/submissions", json=sent)).status_code == 201
    (lead,) = await leads(api)
    assert lead["attributes"] == {form["honeypot"]: "123"}
    same = (await admin.patch(path, json={"title": "x"})).json()
    assert same["honeypot"] == changed["honeypot"], "pages that are open keep theirs"


async def test_a_checkbox_has_no_options(admin):
    field = {"name": "size", "type": "checkbox", "options": ["S", "L"]}
    answer = await admin.post("/v1/forms", json={"name": "x", "source": "w", "fields": ["email", field]})
    assert answer.status_code == 422 and "select" in answer.text


async def test_a_changed_text_of_consent_is_a_new_version(capture, admin, visitor, api, tenant):
    form = await a_form(admin, consent={"text": "First text.", "channels": ["email", "sms"]})
    path = f"/v1/forms/{form['token']}"
    await visitor.post(f"{path}/submissions", json={"email": "ada@acme.example", "consent": True})
    changed = await admin.patch(path, json={"consent": {"text": "Second text.", "channels": ["email"]}})
    assert (changed.status_code, changed.json()["consent_version"]) == (200, 2)
    same = await admin.patch(path, json={"thank_you": "Danke."})
    assert (same.json()["consent_version"], same.json()["settings"]["thank_you"]) == (2, "Danke.")
    await visitor.post(f"{path}/submissions", json={"email": "eve@acme.example", "consent": True})
    async with capture.database.tenant(tenant) as work:
        rows = await work.fetch(
            "SELECT l.email, c.channel, t.version, t.content FROM consent_change c JOIN lead l USING (lead_id) "
            "JOIN consent_text t USING (text_id) ORDER BY c.number"
        )
    assert [tuple(row.values()) for row in rows] == [
        ("ada@acme.example", "email", 1, "First text."),
        ("ada@acme.example", "sms", 1, "First text."),
        ("eve@acme.example", "email", 2, "Second text."),
    ]


async def test_a_form_is_listed_changed_closed_and_of_its_tenant_only(capture, admin, visitor, tenant):
    forms = [await a_form(admin, name=name) for name in "abc"]
    first = (await admin.get("/v1/forms", params={"limit": 2})).json()
    rest = (await admin.get("/v1/forms", params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert [form["name"] for form in (*first["items"], *rest["items"])] == ["c", "b", "a"]
    assert forms[0]["snippet"] in [form["snippet"] for form in rest["items"]]
    path = f"/v1/forms/{forms[0]['token']}"
    assert (await admin.patch(path, json={"colour": "red"})).status_code == 422
    assert (await admin.patch(path, json={"fields": ["company"]})).status_code == 422
    assert (await capture.client(f"{tenant}-x", "admin").patch(path, json={"active": False})).status_code == 404
    for role in ("viewer", "service"):
        seen = capture.client(tenant, role)
        assert (await seen.get("/v1/forms", params={"limit": 2})).json() == first
        assert (await seen.patch(path, json={"active": False})).status_code == 403
    assert (await capture.client(f"{tenant}-x", "viewer").get("/v1/forms")).json()["items"] == []
    assert (await admin.patch(path, json={"active": False})).json()["active"] is False
    assert (await visitor.get(path)).status_code == 404
    assert (await visitor.post(f"{path}/submissions", json={"email": "a@b.example"})).status_code == 404
    for token in ("x", "A" * 40, forms[1]["token"] + "A", "0" * 5_000):
        assert (await visitor.post(f"/v1/forms/{token}/submissions", json={})).status_code == 404
    script = await visitor.get(f"/v1/forms/{forms[1]['token']}/embed.js")
    assert script.headers["content-type"].startswith("text/javascript")
