"""Micro-batching: requests that arrive together share a transaction, and nothing else."""

import asyncio

from services.capture.use_cases import micro_batching

TRACE = "00-{:032x}-00f067aa0ba902b7-01"


def lead(n, **fields):
    return {"source": "web", "email": f"{n}@x.example", **fields}


async def test_a_hundred_requests_need_few_transactions_and_each_gets_its_own_answer(api, monkeypatch):
    sizes = []

    async def counted(work, submissions):
        sizes.append(len(submissions))
        return await record(work, submissions)

    record = micro_batching.record_submissions
    monkeypatch.setattr(micro_batching, "record_submissions", counted)
    answers = await asyncio.gather(*(api.post("/v1/leads", json=lead(n, company=f"C{n}")) for n in range(100)))
    assert [answer.json()["email"] for answer in answers] == [f"{n}@x.example" for n in range(100)]
    assert [answer.json()["company"] for answer in answers] == [f"C{n}" for n in range(100)]
    assert sum(sizes) == 100
    assert len(sizes) < 50


async def test_one_request_that_the_database_refuses_does_not_fail_the_others(api, monkeypatch):
    async def poisoned(work, submissions):
        if any(submission.contact.email == "3@x.example" for submission in submissions):
            await work.run("SELECT 1/0")
        return await record(work, submissions)

    record = micro_batching.record_submissions
    monkeypatch.setattr(micro_batching, "record_submissions", poisoned)
    answers = await asyncio.gather(*(api.post("/v1/leads", json=lead(n)) for n in range(10)))
    assert [answer.status_code for answer in answers] == [422 if n == 3 else 201 for n in range(10)]


async def test_tenants_never_share_a_transaction(capture, tenant):
    clients = [capture.client(f"{tenant}-{n}", "service") for n in range(5)]
    answers = await asyncio.gather(*(client.post("/v1/leads", json=lead(1)) for client in clients for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200] * 15 + [201] * 5
    assert len({answer.json()["lead_id"] for answer in answers}) == 5


async def test_the_event_of_each_request_carries_the_trace_of_that_request(api, bus, tenant):
    await asyncio.gather(
        *(api.post("/v1/leads", json=lead(n), headers={"traceparent": TRACE.format(n + 1)}) for n in range(20))
    )
    events = await bus.read("lead.captured", tenant=tenant, count=20)
    assert {event.headers["traceparent"].split("-")[1]: event.data["email"] for event in events} == {
        f"{n + 1:032x}": f"{n}@x.example" for n in range(20)
    }
