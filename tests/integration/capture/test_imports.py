"""Imports of files, on the real database; one worker is killed for real."""

import asyncio
import csv
import io
import json
import os
import signal
import sys
import time
from pathlib import Path

import openpyxl
import pytest

from services.capture.store import imports as store
from services.capture.use_cases import imports as use_cases

ROOT = Path(__file__).parents[3]

CSV = """E-Mail,Phone,First name,Company,Country,Lead Source
ada@x.example,0151 23456789,Ada,"Acme, Ltd",Germany,
nonsense,,Eve,Acme,,
,,Nobody,Acme,,

bob@x.example,call me,Bob,"two
lines",,fair
=cmd()@x@y,+1 23,=1+1,,,
too,many,values,here,,,and more
ADA@x.example,,,Acme Limited,,
"""


async def test_good_rows_become_leads_and_bad_rows_end_in_the_error_file(api, bus, tenant, upload, ended):
    job = await ended(await upload(CSV, source="expo"))
    assert (job["read"], job["taken"], job["rejected"], job["total"]) == (7, 3, 4, 7)
    captured = await bus.read("lead.captured", tenant=tenant, count=2)
    assert {(event.data["email"], event.data["source"]) for event in captured} == {
        ("ada@x.example", "expo"),
        ("bob@x.example", "fair"),
    }
    (update,) = await bus.read("lead.updated", tenant=tenant)
    assert (update.data["company"], update.data["phone"]) == ("Acme Limited", "+4915123456789")
    page = (await api.get(f"/v1/imports/{job['import_id']}/errors")).json()
    assert [(error["line"], error["column"], error["value"]) for error in page["items"]] == [
        (3, "E-Mail", "nonsense"),
        (4, "E-Mail", ""),
        (8, "E-Mail", "=cmd()@x@y"),
        (8, "Phone", "+1 23"),
        (9, None, ""),
    ]
    assert all(error["reason"] for error in page["items"])


async def test_a_bad_value_of_a_taken_row_is_a_warning_and_not_an_error(api, upload, ended):
    job = await ended(await upload("email,phone\na@x.example,call me\nb@x.example,\n,=1\n"))
    assert (job["taken"], job["rejected"]) == (2, 1)
    path = f"/v1/imports/{job['import_id']}"
    assert [error["line"] for error in (await api.get(f"{path}/errors")).json()["items"]] == [4]
    (warning,) = (await api.get(f"{path}/warnings")).json()["items"]
    assert (warning["line"], warning["column"], warning["value"]) == (2, "phone", "call me")
    lead = (await api.get(f"/v1/leads/{warning['lead_id']}")).json()
    assert (lead["email"], "phone" in lead) == ("a@x.example", False)
    as_csv = {"Accept": "text/csv"}
    errors = list(csv.reader(io.StringIO((await api.get(f"{path}/errors", headers=as_csv)).text)))
    warnings = list(csv.reader(io.StringIO((await api.get(f"{path}/warnings", headers=as_csv)).text)))
    assert [row[:3] for row in errors] == [["line", "column", "value"], ["4", "phone", "'=1"]]
    assert [row[4:] for row in errors] == [["email", "phone"], ["", "'=1"]]
    assert [row[:3] for row in warnings] == [["line", "column", "value"], ["2", "phone", "call me"]]


async def test_errors_are_paged_and_the_csv_holds_no_formulas(api, upload, ended):
    rows = "email,name\n" + "".join(f"=bad{n},+A\n" for n in range(120))
    job = await ended(await upload(rows))
    path, seen, cursor = f"/v1/imports/{job['import_id']}/errors", [], None
    while True:
        page = (await api.get(path, params={"limit": 50} | ({"cursor": cursor} if cursor else {}))).json()
        seen += [item["line"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == list(range(2, 122))
    answer = await api.get(path, headers={"Accept": "text/csv"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer.headers["content-disposition"]
    read = list(csv.reader(io.StringIO(answer.text)))
    assert read[0] == ["line", "column", "value", "reason", "email", "name"]
    assert [row[2] for row in read[1:]] == [f"'=bad{n}" for n in range(120)]


async def test_ndjson_with_a_mapping_becomes_leads(api, bus, tenant, upload, ended):
    lines = [
        {"contact": {"mail": "a@x.example"}, "id": 7, "plan": "pro", "consent": {"email": "granted"}},
        {"contact": {"mail": 5}},
    ]
    content = "\n".join(map(json.dumps, lines)) + "\nno json\n"
    mapping = {"email": "contact.mail", "external_id": "id", "attributes.plan": "plan"}
    job = await ended(await upload(content, name="leads.ndjson", source="crm", mapping=mapping))
    assert (job["read"], job["taken"], job["rejected"]) == (3, 1, 2)
    (event,) = await bus.read("lead.captured", tenant=tenant)
    assert (event.data["external_id"], event.data["attributes"]) == ("7", {"plan": "pro"})
    assert event.data["consent"]["email"] == "granted"
    errors = (await api.get(f"/v1/imports/{job['import_id']}/errors")).json()["items"]
    assert [(error["line"], error["column"]) for error in errors] == [(2, "contact.mail"), (3, None)]


async def test_a_file_that_cannot_be_read_is_refused_at_once(api, upload):
    await upload("", status=422)
    await upload("name,shoe size\nAda,39\n", status=422)
    await upload("email\na@x.example\n", mapping={"email": "Mail"}, status=422)
    await upload("email\na@x.example\n", mapping="[]", status=422)
    await upload('[{"email": "a@x.example"}]', name="leads.json", status=422)
    await upload(b"PK\x03\x04", name="leads.xlsx", status=415)
    assert (await api.post("/v1/imports", data={"source": "x"}, files={"other": b"x"})).status_code == 422
    assert (await api.post("/v1/imports", json={})).status_code == 415


async def test_only_an_operator_imports_and_only_the_tenant_sees_it(capture, api, tenant, upload, ended):
    import_id = await upload("email\na@x.example\n")
    files = {"file": ("leads.csv", b"email\n")}
    assert (await capture.client(tenant, "reviewer").post("/v1/imports", files=files)).status_code == 403
    assert (await capture.client(None).post("/v1/imports", files=files)).status_code == 401
    assert (await capture.client(tenant, "viewer").get(f"/v1/imports/{import_id}")).status_code == 200
    other = capture.client(f"{tenant}-x", "admin")
    for path in (f"/v1/imports/{import_id}", f"/v1/imports/{import_id}/errors"):
        assert (await other.get(path)).status_code == 404
    assert (await other.post(f"/v1/imports/{import_id}/resume")).status_code == 404


async def test_the_same_idempotency_key_is_the_same_import(upload):
    key = {"Idempotency-Key": "k"}
    first = await upload("email\na@x.example\n", headers=key)
    assert await upload("email\na@x.example\n", headers=key) == first
    await upload("email\nb@x.example\n", headers=key, status=422)


async def test_two_uploads_with_one_key_at_the_same_time_are_one_import(api, monkeypatch):
    """The second is told so: it does not take the first one's file away."""
    begun, go_on = asyncio.Event(), asyncio.Event()
    insert_chunks = store.insert_chunks

    async def wait(*args):
        begun.set()
        await go_on.wait()
        await insert_chunks(*args)

    monkeypatch.setattr(store, "insert_chunks", wait)

    async def post():
        files = {"file": ("leads.csv", b"email\na@x.example\n")}
        return await api.post("/v1/imports", files=files, headers={"Idempotency-Key": "k"})

    first = asyncio.create_task(post())
    await begun.wait()
    assert (await post()).status_code == 409
    go_on.set()
    answer = await first
    assert answer.status_code == 202, answer.text
    assert (await post()).json()["import_id"] == answer.json()["import_id"]


async def test_a_file_larger_than_any_other_body_is_imported(capture, api, upload, ended):
    row = "email,attributes.note\n"
    big = row + "".join(f"big{n}@x.example,{'x' * 60_000}\n" for n in range(200))
    assert len(big) > 11_000_000
    preview = await api.post("/v1/imports/preview", files={"file": ("leads.csv", big.encode())})
    assert preview.status_code == 200, preview.text
    job = await ended(await upload(big))
    assert (job["read"], job["taken"]) == (200, 200)
    async with capture.database.worker() as work:
        assert await work.fetch("SELECT tenant_id FROM import_chunk WHERE import_id = :i", i=job["import_id"]) == []


async def test_a_failed_import_has_a_reason_and_continues_after_resume(capture, api, bus, tenant, upload, ended):
    rows = "email,attributes.note\n" + "".join(f"{n}@x.example,{'x' * 1_000}\n" for n in range(600))
    worker = capture.service._workers["imports"]
    read, calls = use_cases._next_records, 0

    async def torn(work, job):
        nonlocal calls
        calls += 1
        if calls == 2:
            raise use_cases.PartMissing("a part of the uploaded file is missing")
        return await read(work, job)

    step = worker.step
    worker.step = lambda database: use_cases.import_next_page(database, capture.app.state.normaliser, 250, 10_000)
    use_cases._next_records = torn
    try:
        import_id = await upload(rows)
        job = await ended(import_id, "failed")
        assert "part of the uploaded file" in job["reason"]
        assert (job["read"], job["taken"]) == (250, 250)
        assert (await api.post(f"/v1/imports/{import_id}/resume")).status_code == 202
        job = await ended(import_id)
    finally:
        use_cases._next_records, worker.step = read, step
    assert (job["read"], job["taken"], job["rejected"], job["reason"]) == (600, 600, 0, None)
    assert len(await bus.read("lead.captured", tenant=tenant, count=600)) == 600
    assert (await api.post(f"/v1/imports/{import_id}/resume")).status_code == 409


_WORKER = """
import asyncio, os
from services.capture.app import create_app
from services.capture.settings import Settings

async def main():
    app = create_app(Settings(import_page=100), "workers")
    async with app.router.lifespan_context(app):
        await asyncio.sleep(600)

asyncio.run(main())
"""


async def _start_worker(backend):
    names = {
        "kafka_bootstrap": "LEADFLOW_KAFKA_BOOTSTRAP",
        "database_url": "LEADFLOW_CAPTURE_DATABASE_URL",
        "oidc_issuer": "LEADFLOW_OIDC_ISSUER",
        "oidc_audience": "LEADFLOW_OIDC_AUDIENCE",
        "oidc_jwks_url": "LEADFLOW_OIDC_JWKS_URL",
    }
    settings = {names[name]: value for name, value in backend.settings("capture").items()}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", _WORKER, cwd=ROOT, env={**os.environ, **settings, "PYTHONPATH": str(ROOT)}
    )


async def test_an_import_continues_where_a_killed_worker_stopped(backend, start, capture, bus, tenant, eventually):
    api = (await start("capture", only="api")).client(tenant, "operator")
    rows = ["email,external_id,company"] + [f"{n}@x.example,{n},Acme" for n in range(3_000)]
    rows[1_500] = "nonsense,x,Acme"
    capture.service._workers["imports"].step = _nothing
    killed = 0
    worker = None
    try:
        files = {"file": ("leads.csv", "\n".join(rows).encode())}
        import_id = (await api.post("/v1/imports", files=files)).json()["import_id"]

        async def read():
            return (await api.get(f"/v1/imports/{import_id}")).json()

        for stop_after in (300, 1_500):
            worker = await _start_worker(backend)

            async def far_enough(rows=stop_after):
                return (await read())["read"] >= rows

            await eventually(far_enough, within=90)  # a process has to start first
            os.kill(worker.pid, signal.SIGKILL)
            await worker.wait()
            killed += (await read())["state"] == "running"
        worker = await _start_worker(backend)

        async def done():
            job = await read()
            return job if job["state"] == "done" else None

        job = await eventually(done, within=90)
        await bus.read("lead.captured", tenant=tenant, count=2_999)
    finally:
        capture.service._workers["imports"].step = capture_step(capture)
        if worker is not None and worker.returncode is None:
            os.kill(worker.pid, signal.SIGTERM)
            await worker.wait()
    assert killed >= 1
    assert (job["read"], job["taken"], job["rejected"]) == (3_000, 2_999, 1)
    ids = [event.data["external_id"] for event in bus.seen("lead.captured", tenant=tenant)]
    assert sorted(map(int, set(ids))) == [n for n in range(3_000) if n != 1_499]
    assert len({event.id for event in bus.seen("lead.captured", tenant=tenant)}) == 2_999
    (error,) = (await api.get(f"/v1/imports/{import_id}/errors")).json()["items"]
    assert (error["line"], error["value"]) == (1_501, "nonsense")


async def _nothing(database):
    return 0


def capture_step(capture):
    settings = capture.service.settings
    from services.capture.workers import imports

    return imports(settings, capture.app.state.normaliser)


async def test_two_thousand_rows_are_imported_with_their_rate(api, bus, tenant, upload, ended, record_property):
    rows = ["email,phone,external_id,first_name,last_name,company,job_title,website,country,campaign,attributes.note"]
    rows += [
        f"rate{n}@firm{n % 300}.example,+4915123{n:06d},{n},Ada,Person{n},Firm {n % 300} GmbH,CTO,"
        f"firm{n % 300}.example,DE,spring,{'x' * 600}"
        for n in range(2_000)
    ]
    started = time.perf_counter()
    job = await ended(await upload("\n".join(rows)))
    seconds = time.perf_counter() - started
    await bus.read("lead.captured", tenant=tenant, count=2_000)
    published = time.perf_counter() - started
    assert (job["read"], job["taken"], job["rejected"]) == (2_000, 2_000, 0)
    record_property("rows_per_second", round(2_000 / seconds))
    print(f"import: {2_000 / seconds:.0f} rows/s from upload to done, {2_000 / published:.0f} until read from Kafka")


async def test_an_import_says_how_it_read_the_file(api, upload, ended, tenant):
    content = "E-Mail;Name;Plan;Plan\njuergen@x.example;Jürgen Groß;pro;7\n;;;\n".encode("cp1252")
    job = await ended(await upload(content))
    assert (job["encoding"], job["unmapped"]) == ("cp1252", ["Plan", "Plan (2)"])
    assert job["mapping"] == {"email": "E-Mail", "full_name": "Name"}
    assert (job["read"], job["taken"]) == (1, 1)
    job = await ended(await upload(content, unmapped="attributes", headers={"Idempotency-Key": "again"}))
    assert job["unmapped"] == []
    found = await api.post("/v1/leads", json={"source": "web", "email": "juergen@x.example"})
    assert found.json()["full_name"] == "Jürgen Groß"
    assert found.json()["attributes"] == {"Plan": "pro", "Plan (2)": "7"}


async def test_an_excel_workbook_is_imported_like_csv(upload, ended):
    book = openpyxl.Workbook()
    book.active.append(["E-Mail", "Phone", "Country"])
    book.active.append(["a@x.example", 491602229999, "DE"])
    book.active.append(["nonsense", None, None])
    with io.BytesIO() as out:
        book.save(out)
        job = await ended(await upload(out.getvalue(), name="leads.xlsx"))
    assert (job["encoding"], job["taken"], job["rejected"]) == ("xlsx", 1, 1)


@pytest.mark.parametrize("form", [{"encoding": "klingon"}, {"unmapped": "burn"}])
async def test_a_choice_that_is_none_is_refused_with_the_choices(upload, form):
    await upload("email\na@x.example\n", status=422, **form)


async def test_a_row_that_raises_anything_costs_that_row(api, capture, upload, ended, monkeypatch):
    real = use_cases.normalise

    def broken(raw, normaliser):
        if raw.get("email") == "b@x.example":
            raise RuntimeError("no reader thought of this")
        return real(raw, normaliser)

    monkeypatch.setattr(use_cases, "normalise", broken)
    job = await ended(await upload("email\na@x.example\nb@x.example\nc@x.example\n"))
    assert (job["taken"], job["rejected"]) == (2, 1)
    (error,) = (await api.get(f"/v1/imports/{job['import_id']}/errors")).json()["items"]
    assert (error["line"], error["reason"]) == (3, "could not be taken, by a defect in this service: RuntimeError")
