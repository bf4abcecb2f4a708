"""Files of leads as people keep them: previews, error files that are uploaded again, consent in many spellings."""

from uuid import UUID

from services.capture.store import imports as store


async def test_the_error_file_is_corrected_and_uploaded_by_itself(api, upload, ended):
    first = await ended(await upload("E-Mail,Telefon,Land\na@x.example,,\nb at x,0151 2,DE\n,+49 1,\n"))
    assert (first["taken"], first["rejected"]) == (1, 2)
    path = f"/v1/imports/{first['import_id']}/errors"
    text = (await api.get(path, headers={"Accept": "text/csv"})).text
    corrected = text.replace("b at x,0151 2,", "b@x.example,0151 23456789,").replace(",'+49 1,", ",'+12025550143,")
    again = await ended(await upload(corrected, name="errors.csv"))
    assert (again["read"], again["taken"], again["rejected"]) == (2, 2, 0), again
    assert again["unmapped"] == []
    (lead,) = (await api.get("/v1/leads", params={"email": "b@x.example"})).json()["items"]
    assert lead["phone"] == "+4915123456789"


async def test_a_row_with_too_many_values_keeps_them_in_the_error_file_and_is_rejected_again(api, upload, ended):
    first = await ended(await upload("email,name,company\nann@x.example,Lee, Ann,Acme\nnot one,Ann\u2028Lee,Acme\n"))
    path = f"/v1/imports/{first['import_id']}/errors"
    text = (await api.get(path, headers={"Accept": "text/csv"})).text
    assert "ann@x.example,Lee, Ann,Acme\r\n" in text and "not one,Ann\u2028Lee,Acme\r\n" in text
    again = await ended(await upload(text, name="errors.csv"))
    assert (again["taken"], again["rejected"]) == (0, 2)


async def test_what_nobody_sees_in_a_file_costs_no_row(api, upload, ended):
    """Joined files have marks in their middle, old programs leave zeros, and copied text says where it runs."""
    rows = "\ufeffe\0mail;first_name\nada@x.example;A\0da\n\ufeffbob@x.example;Bob\n\u202acy@x.example\u202c;\u200bCy\n"
    job = await ended(await upload(rows + "nonsense;N\0o\n"))
    assert (job["encoding"], job["taken"], job["rejected"]) == ("utf-8", 3, 1), job
    for name in ("Ada", "Bob", "Cy"):
        (lead,) = (await api.get("/v1/leads", params={"email": f"{name.lower()}@x.example"})).json()["items"]
        assert lead["first_name"] == name
    (error,) = (await api.get(f"/v1/imports/{job['import_id']}/errors")).json()["items"]
    assert (error["line"], error["column"], error["value"]) == (5, "email", "nonsense")
    lines = ['{"email": "dee@x.example", "pl\\u0000an": "a\\u0000b"}', '{"email": "\\u0000"}']
    job = await ended(await upload("\n".join(lines), name="leads.ndjson", unmapped="attributes"))
    assert (job["taken"], job["rejected"]) == (1, 1), job
    (lead,) = (await api.get("/v1/leads", params={"email": "dee@x.example"})).json()["items"]
    assert lead["attributes"] == {"plan": "ab"}


async def test_the_rejected_rows_of_ndjson_come_as_they_were(api, upload, ended):
    lines = ['{"email": "a@x.example"}', '{"email": "nonsense", "plan": 1}', "no json"]
    job = await ended(await upload("\n".join(lines), name="leads.ndjson"))
    answer = await api.get(f"/v1/imports/{job['import_id']}/errors", headers={"Accept": "application/x-ndjson"})
    assert answer.text.splitlines() == lines[1:]


async def test_a_preview_shows_the_mapping_the_first_leads_and_the_problems(api):
    async def preview(content, **form):
        files = {"file": ("leads.csv", content)}
        return await api.post("/v1/imports/preview", files=files, data=form)

    rows = "Correo;Nombre;Apellidos;Talla\nada@x.example;Ada;King;9\nnonsense;Bob;Roe;8\n"
    answer = await preview(rows.encode("utf-16"), source="fair")
    assert answer.status_code == 200, answer.text
    shown = answer.json()
    assert (shown["encoding"], shown["delimiter"], shown["format"]) == ("utf-16", ";", "csv")
    assert shown["mapping"] == {"email": "Correo", "first_name": "Nombre", "last_name": "Apellidos"}
    assert shown["unmapped"] == ["Talla"]
    assert shown["rows"][0] == {
        "line": 2,
        "lead": {"source": "fair", "email": "ada@x.example", "first_name": "Ada", "last_name": "King"},
        "errors": [],
        "warnings": [],
    }
    assert (shown["rows"][1]["lead"], shown["rows"][1]["errors"][0]["field"]) == (None, "email")
    assert (shown["read"], shown["taken"], shown["rejected"]) == (2, 1, 1)
    assert shown["problems"] == ["1 of 2 rows: email an email address must have an @-sign"]
    unknown = (await preview(b"Kontaktweg,Firma\nada@x.example,Acme\n")).json()
    assert unknown["mapping"] == {"company": "Firma"}
    assert "no column gives an e-mail or a phone" in unknown["problems"][0]
    mapped = (await preview(b"Kontaktweg,Firma\nada@x.example,Acme\n", mapping='{"email": "Kontaktweg"}')).json()
    assert mapped["rows"][0]["lead"]["email"] == "ada@x.example"
    assert (await preview(b"")).status_code == 422
    assert (await api.get("/v1/leads", params={"email": "ada@x.example"})).json()["items"] == []


async def test_a_choice_of_consent_is_read_in_seven_languages_and_never_guessed(api, upload, ended):
    words = ["ja", "Oui", "SÍ", "sim", "opt-in", "nein", "não", "unsubscribed", "unknown", "", "perhaps"]
    rows = "email,Newsletter\n" + "".join(f"{n}@x.example,{word}\n" for n, word in enumerate(words))
    job = await ended(await upload(rows))
    assert (job["taken"], job["rejected"]) == (10, 1)
    choices = []
    for n in range(10):
        (lead,) = (await api.get("/v1/leads", params={"email": f"{n}@x.example"})).json()["items"]
        choices.append(lead["consent"]["email"])
    assert choices == ["granted"] * 5 + ["denied"] * 3 + ["unknown"] * 2
    (error,) = (await api.get(f"/v1/imports/{job['import_id']}/errors")).json()["items"]
    assert (error["line"], error["column"], error["value"]) == (12, "Newsletter", "perhaps")


async def test_a_file_that_is_blank_for_megabytes_is_read_to_its_end(upload, ended):
    """A spreadsheet writes delimiters for all rows that were ever used."""
    blank = b";;;;;;;;;\r\n" * 400_000
    job = await ended(await upload(b"email;name\na@x.example;A\n" + blank + b"b@x.example;B\n" + blank))
    assert (job["read"], job["taken"], job["rejected"]) == (2, 2, 0)


async def test_a_line_of_megabytes_costs_its_record_and_nobody_in_a_note_becomes_a_lead(api, upload, ended):
    long = b"x" * 2_400_000
    parts = [
        b'name,email\n"first\n' + long + b'",eve@x.example\n',
        b"\n" * 3 + long + b"\n",
        b'"' + long + b'\nalice,alice@x.example\nbob,bob@x.example\n",eve@x.example\n',
        b'"",""\n' * 500_000,
        b"last,last@x.example\n",
    ]
    job = await ended(await upload(b"".join(parts)))
    assert (job["state"], job["read"], job["taken"], job["rejected"]) == ("done", 5, 1, 4), job
    errors = (await api.get(f"/v1/imports/{job['import_id']}/errors")).json()["items"]
    assert [(error["line"], error["reason"].split(" ")[0]) for error in errors] == [
        (2, "a"),
        (3, "is"),
        (7, "is"),
        (8, "is"),
    ]
    for name, count in {"last": 1, "alice": 0, "bob": 0, "eve": 0}.items():
        found = (await api.get("/v1/leads", params={"email": f"{name}@x.example"})).json()["items"]
        assert len(found) == count, name


async def test_an_abandoned_upload_is_deleted_while_others_are_imported(
    capture, api, tenant, upload, ended, eventually, monkeypatch
):
    running, abandoned = [await upload("email\na@x.example\n") for _ in range(2)]
    for one in (running, abandoned):
        await ended(one)

    async def waiting(work):
        return [(tenant, UUID(running))]

    monkeypatch.setattr(store, "longest_waiting", waiting)
    async with capture.database.tenant(tenant) as work:
        await work.run(
            "UPDATE import_job SET state = 'uploading', touched_on = clock_timestamp() - interval '2 days'"
            " WHERE import_id = :abandoned",
            abandoned=UUID(abandoned),
        )

    async def gone():
        async with capture.database.tenant(tenant) as work:
            return not await work.fetch("SELECT 1 FROM import_job WHERE import_id = :id", id=UUID(abandoned))

    await eventually(gone)
