"""Forms and created leads behind a proxy that puts capture below a path and takes that path off."""

from urllib.parse import urlsplit

import pytest

from tests.below_a_path import Targets, location, outside

PAGE = {"Accept": "text/html"}


@pytest.fixture
async def below(start):
    return await start("capture", public_url="https://sales.example.com/capture")


@pytest.fixture
def admin(below, tenant):
    return outside(below, "/capture", below.client(tenant, "admin"))


@pytest.fixture
def visitor(below):
    return outside(below, "/capture")


async def a_form(admin, **more):
    body = {"name": "Contact us", "source": "website", "fields": ["email"], **more}
    answer = await admin.post("/capture/v1/forms", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_form_is_sent_corrected_and_thanked_for(admin, visitor):
    form = await a_form(admin)
    page = await visitor.get(form["page_url"], headers=PAGE)
    (target,) = Targets(page).forms
    wrong = await visitor.post(target, data={"email": "nonsense"}, headers=PAGE)
    assert wrong.status_code == 422
    (target,) = Targets(wrong).forms
    assert target == form["submissions_url"]
    done = await visitor.post(target, data={"email": "ada@acme.example"}, headers=PAGE)
    assert done.status_code == 303
    thanks = await visitor.get(location(done), headers=PAGE)
    assert "Thank you. We have received your details." in thanks.text


async def test_the_script_of_a_guarded_form_is_found(admin, visitor):
    form = await a_form(admin, proof_of_work_bits=6)
    (script,) = Targets(await visitor.get(form["page_url"], headers=PAGE)).scripts
    assert (await visitor.get(script)).headers["content-type"].startswith("text/javascript")
    assert script in form["snippet"]


async def test_the_location_of_a_created_lead_is_found_through_the_proxy_and_directly(below, admin, tenant):
    created = await admin.post("/capture/v1/leads", json={"source": "x", "email": "ada@acme.example"})
    assert created.status_code == 201
    lead_id = created.json()["lead_id"]
    assert (await admin.get(location(created))).json()["lead_id"] == lead_id
    direct = below.client(tenant, "operator")
    known = await direct.post("/v1/leads", json={"source": "x", "email": "ada@acme.example"})
    assert urlsplit(location(known)).path == f"/v1/leads/{lead_id}"


async def test_without_a_proxy_the_location_is_an_absolute_path(api):
    created = await api.post("/v1/leads", json={"source": "x", "email": "ada@acme.example"})
    assert created.headers["location"] == f"/v1/leads/{created.json()['lead_id']}"
