"""An address that moves from one lead to another within one batch, and an import that cannot go on."""

import pytest

from services.capture.use_cases import imports as use_cases
from shared.db import DatabaseError

PHONES = ("+4915123456821", "+4915123456829", "+4915123456830")
MAILS = ("one@x.example", "two@x.example", "three@x.example")


def a_row(name, **address):
    return {"source": "crm", "external_id": name, "full_name": name, **address}


@pytest.fixture
def batch(api):
    async def batch(*rows):
        answer = await api.post("/v1/leads/batch", json={"leads": list(rows)})
        assert answer.status_code == 200, answer.text
        return [result["lead_id"] for result in answer.json()["results"]]

    return batch


# The lead that takes an address may be stored before the one that gives it up, or after it.
@pytest.mark.parametrize("captured", [("a", "b"), ("b", "a")])
@pytest.mark.parametrize(("field", "values"), [("phone", PHONES), ("email", MAILS)])
async def test_an_address_moves_from_one_lead_to_another_within_a_batch(api, batch, captured, field, values):
    ids = {name: (await batch(a_row(name, **{field: values["ab".index(name)]})))[0] for name in captured}
    await batch(a_row("a", **{field: values[2]}), a_row("b", **{field: values[0]}))
    found = {name: (await api.get(f"/v1/leads/{id}")).json()[field] for name, id in ids.items()}
    assert found == {"a": values[2], "b": values[0]}
    (lead,) = (await api.get("/v1/leads", params={field: values[0]})).json()["items"]
    assert lead["lead_id"] == ids["b"]


async def test_two_leads_exchange_their_phones_by_way_of_a_third(api, batch):
    a, b = await batch(a_row("a", phone=PHONES[0]), a_row("b", phone=PHONES[1]))
    await batch(a_row("a", phone=PHONES[2]), a_row("b", phone=PHONES[0]), a_row("a", phone=PHONES[1]))
    assert [(await api.get(f"/v1/leads/{id}")).json()["phone"] for id in (a, b)] == [PHONES[1], PHONES[0]]


async def test_an_import_in_which_a_phone_moves_is_done(upload, ended):
    header = "external_id,phone\n"
    await ended(await upload(f"{header}a,{PHONES[0]}\nb,{PHONES[1]}\n", source="crm"))
    job = await ended(await upload(f"{header}a,{PHONES[2]}\nb,{PHONES[0]}\n", source="crm"))
    assert (job["taken"], job["rejected"]) == (2, 0)


COLLISION = DatabaseError("duplicate key", "23505", "UniqueViolationError")


@pytest.mark.parametrize("failure", [COLLISION, TimeoutError("no answer"), DatabaseError("timeout", "57014")])
async def test_an_import_that_fails_again_and_again_does_not_keep_the_others_from_running(
    api, upload, ended, monkeypatch, failure
):
    real = use_cases.normalise

    def broken(raw, normaliser):
        if raw.get("email") == "bad@x.example":
            raise failure
        return real(raw, normaliser)

    monkeypatch.setattr(use_cases, "normalise", broken)
    stuck = await upload("email\na@x.example\nbad@x.example\n")
    assert (await ended(await upload("email\nc@x.example\n")))["taken"] == 1
    assert (await api.get(f"/v1/imports/{stuck}")).json()["state"] == "running"
    monkeypatch.undo()
    assert (await ended(stuck))["taken"] == 2


async def test_a_row_that_collides_again_and_again_holds_up_only_itself(api, upload, monkeypatch, eventually):
    real = use_cases.record_submissions

    async def broken(work, submissions):
        if any(submission.contact.email == "bad@x.example" for submission in submissions):
            raise COLLISION
        return await real(work, submissions)

    monkeypatch.setattr(use_cases, "record_submissions", broken)
    stuck = await upload("email\n" + "".join(f"{n}@x.example\n" for n in range(25)) + "bad@x.example\n")

    async def read():
        return (await api.get(f"/v1/imports/{stuck}")).json()["taken"] == 25

    await eventually(read)
