"""Forms of pages elsewhere: allowed origins in any spelling, headers that are none, and pages that stay open."""

from datetime import timedelta

import pytest

from services.capture.rules import form_guards

PAGE = {"Accept": "text/html"}


async def a_form(admin, **more):
    answer = await admin.post("/v1/forms", json={"name": "Contact", "source": "web", "fields": ["email"], **more})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_page_with_an_international_name_may_embed_and_send_the_form(admin, visitor):
    form = await a_form(admin, allowed_origins=["https://Bücher.example:443/"])
    assert form["settings"]["allowed_origins"] == ["https://xn--bcher-kva.example"]
    path = f"/v1/forms/{form['token']}"
    page = await visitor.get(path, headers=PAGE)
    assert page.headers["content-security-policy"].endswith("frame-ancestors 'self' https://xn--bcher-kva.example")
    origin = {"Origin": "https://xn--bcher-kva.example"}
    answer = await visitor.post(f"{path}/submissions", json={"email": "a@x.example"}, headers=origin)
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (201, origin["Origin"])


async def test_an_origin_that_is_none_is_refused_by_its_field(admin):
    for origin in ("https://x.org;script-src *", "https://*.example.org", "http://["):
        body = {"name": "x", "source": "w", "fields": ["email"], "allowed_origins": [origin]}
        answer = await admin.post("/v1/forms", json=body)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "allowed_origins"), origin


async def test_a_form_whose_origins_were_stored_by_an_earlier_release_is_shown(capture, admin, visitor, tenant):
    form = await a_form(admin)
    async with capture.database.tenant(tenant) as work:
        await work.run(
            """
            UPDATE form SET settings = jsonb_set(settings, '{allowed_origins}', CAST(:origins AS jsonb))
            WHERE tenant_id = :tenant
            """,
            origins='["https://bücher.example", "https://x.org;script-src *"]',
            tenant=tenant,
        )
    page = await visitor.get(f"/v1/forms/{form['token']}", headers=PAGE)
    assert page.status_code == 200
    assert page.headers["content-security-policy"].endswith("frame-ancestors 'self' https://xn--bcher-kva.example")


@pytest.mark.parametrize("malformed", ["http://[", "https://[x]/", "http://a:b:c/"])
async def test_headers_that_are_no_address_are_no_defect(admin, visitor, malformed):
    form = await a_form(admin, allowed_origins=["*"])
    path = f"/v1/forms/{form['token']}"
    sent = {"email": "a@x.example"}
    for headers in ({"Referer": malformed}, {"Host": "["}, {"Host": malformed}):
        answer = await visitor.post(f"{path}/submissions", json=sent, headers=headers)
        assert answer.status_code == 201, headers
        assert (await visitor.get(path, headers={**PAGE, **headers})).status_code == 200, headers
    for answer in (
        await visitor.post(f"{path}/submissions", json=sent, headers={"Origin": "http://["}),
        await visitor.options(f"{path}/submissions", headers={"Origin": "http://["}),
    ):
        assert answer.status_code == 403, answer.text
    shown = await visitor.get(path, headers={"Accept": "application/json", "Origin": "http://["})
    assert (shown.status_code, "access-control-allow-origin" in shown.headers) == (200, False)


async def test_a_script_whose_form_was_open_for_too_long_asks_for_it_again(admin, visitor, monkeypatch):
    form = await a_form(admin, min_fill_seconds=600)
    path, script = f"/v1/forms/{form['token']}", {"Accept": "application/json"}

    async def shown(started=""):
        return (await visitor.get(path, headers=script, params={"started": started})).json()["started"]

    def time_of(started):
        return started.partition(".")[0]

    first = await shown()
    again = await shown(first)
    assert (time_of(again), again == first) == (time_of(first), False), "the least time is that of the first showing"
    assert time_of(await shown("nonsense")) > time_of(first)
    monkeypatch.setattr(form_guards, "STARTED_LASTS", timedelta(0))
    answer = await visitor.post(f"{path}/submissions", json={"email": "a@x.example", "started": first})
    assert [error["field"] for error in answer.json()["errors"]] == ["started"]
    assert time_of(await shown(first)) > time_of(first)
