"""The unsubscribe page and created things behind a proxy that puts outreach below a path and takes that path off."""

from urllib.parse import urlsplit

import pytest

from tests.below_a_path import Targets, location, outside

STEP = {"channel": "email", "delay": "P1D", "subject": "Hello", "body": "Hello again.", "template": True}


async def test_the_button_of_the_unsubscribe_page_unsubscribes(office, tenant, smtp):
    lead = await office.captured(tenant)
    approved = await office.approved(tenant, lead)
    await office.send()
    link = "/outreach" + urlsplit(smtp.to(approved["to"])[0]["List-Unsubscribe"].strip("<>")).path
    async with outside(office.run, "/outreach") as visitor:
        (target,) = Targets(await visitor.get(link)).forms
        done = await visitor.post(target)
    assert (done.status_code, "You are unsubscribed" in done.text) == (200, True)


@pytest.mark.parametrize("path", ["/outreach", ""])
async def test_the_location_of_what_was_created_is_found(start, tenant, path):
    run = await start("outreach", only="api", public_url=f"https://sales.example.com{path}")
    async with outside(run, path, run.client(tenant, "admin")) as admin:
        created = await admin.post(f"{path}/v1/sequences", json={"name": "Hello", "steps": [STEP]})
        assert created.status_code == 201, created.text
        assert (await admin.get(location(created))).json()["sequence_id"] == created.json()["sequence_id"]
