import pytest

from services.capture.rules.field_mapping import read_mapping, read_row, unmapped, unmapped_names
from services.capture.rules.header_words import ambiguous


def test_usual_headers_are_mapped_without_a_request():
    assert read_mapping({}, ["E-Mail", "First Name", "Phone Number", "Lead Source", "utm_campaign", "Shoe size"]) == {
        "email": "E-Mail",
        "first_name": "First Name",
        "phone": "Phone Number",
        "source": "Lead Source",
        "campaign": "utm_campaign",
    }


@pytest.mark.parametrize("requested", [{"email": "Kontakt"}, {"Kontakt": "email"}])
def test_a_mapping_may_be_written_either_way_round(requested):
    assert read_mapping(requested, ["Kontakt", "Company"]) == {"email": "Kontakt", "company": "Company"}


def test_a_column_or_field_in_the_request_is_not_mapped_by_its_header_too():
    assert read_mapping({"company": "email", "email": "Mail 2"}, ["email", "Mail 2"]) == {
        "company": "email",
        "email": "Mail 2",
    }


@pytest.mark.parametrize(
    ("requested", "reason"),
    [({"email": "Nope"}, "no column Nope"), ({"shoe": "size"}, "no field"), ({}, "no column gives")],
)
def test_a_mapping_that_fits_neither_the_lead_nor_the_file_is_refused(requested, reason):
    with pytest.raises(ValueError, match=reason):
        read_mapping(requested, ["Kontakt"])


def test_a_row_becomes_a_submission_with_consent_and_attributes():
    mapping = read_mapping({"attributes.plan": "Plan", "consent.email": "OK?"}, ["email", "Plan", "OK?"])
    assert read_row({"email": "a@x.example", "Plan": "pro", "OK?": "yes"}, mapping, "fair") == {
        "source": "fair",
        "email": "a@x.example",
        "consent": {"email": "yes"},
        "attributes": {"plan": "pro"},
    }


def test_the_source_in_a_row_replaces_the_source_of_the_import():
    assert (
        read_row({"email": "a@x.example", "source": "crm"}, {"email": "email", "source": "source"}, "fair")["source"]
        == "crm"
    )


def test_json_records_are_read_by_path_and_by_field_name():
    values = {"contact": {"mail": "a@x.example"}, "company": "Acme", "id": 7, "attributes": {"n": 1}}
    assert read_row(values, read_mapping({"email": "contact.mail", "external_id": "id"}, ()), "api") == {
        "source": "api",
        "email": "a@x.example",
        "company": "Acme",
        "external_id": 7,
        "attributes": {"n": 1},
    }


def test_columns_that_no_field_takes_are_named():
    columns = ["E-Mail", "Plan", "", "Seats"]
    mapping = read_mapping({}, columns)
    assert unmapped(mapping, columns) == ["Plan", "Seats"]
    assert unmapped_names({"email": "contact.mail"}, ["contact", "plan", "phone", "attributes"]) == ["plan"]


def test_columns_that_no_field_takes_become_attributes_when_asked():
    columns = ["E-Mail", "Plan", ""]
    mapping = read_mapping({}, columns, keep_unmapped=True)
    row = read_row({"E-Mail": "a@x.example", "Plan": "pro"}, mapping, "fair")
    assert row == {"source": "fair", "email": "a@x.example", "attributes": {"Plan": "pro"}}
    assert unmapped(mapping, columns) == []


def test_names_of_json_records_that_no_field_takes_become_attributes_when_asked():
    mapping = read_mapping({"email": "contact.mail"}, [], keep_unmapped=True)
    record = {"contact": {"mail": "a@x.example"}, "plan": {"name": "pro"}, "phone": "1", "attributes": {"a": 1}}
    row = read_row(record, mapping, "fair")
    assert row["email"] == "a@x.example"
    assert row["attributes"] == {"a": 1, "plan": {"name": "pro"}}


@pytest.mark.parametrize("name", ["consent", "attributes"])
@pytest.mark.parametrize("value", ["denied", ["email"], False, 7])
def test_a_group_of_a_json_record_that_is_no_object_is_handed_on_and_a_column_of_a_table_is_not(name, value):
    record = {"email": "a@x.example", name: value}
    assert read_row(record, {}, "fair")[name] == value
    assert name not in read_row(record, {"email": "email"}, "fair", is_table=True)
    assert read_row(record, {"campaign": name}, "fair") == {"source": "fair", "email": "a@x.example", "campaign": value}


@pytest.mark.parametrize(
    ("headers", "fields"),
    [
        ("E-MAIL|first_name|LastName|  Job   Title |Company Name|Time-Zone", "email first last title company timezone"),
        ("E-Mail-Adresse|Vorname|Name|Firma|Telefonnummer|Kampagne", "email first last company phone campaign"),
        ("Adresse e-mail|Prénom|Nom|Société|Téléphone|Pays|Fonction", "email first last company phone country title"),
        ("Correo electrónico|Nombre|Apellidos|Empresa|Teléfono móvil|País", "email first last company phone country"),
        ("Indirizzo email|Nome|Cognome|Azienda|Cellulare|Paese|Ruolo", "email first last company phone country title"),
        ("Endereço de e-mail|Nome|Sobrenome|Empresa|Telemóvel|País", "email first last company phone country"),
        ("E-mailadres|Voornaam|Achternaam|Bedrijf|Telefoonnummer|Functie", "email first last company phone title"),
        ("Email|Name|Company", "email full_name company"),
        ("Email|Name|First Name", "email full_name first"),
        ("email|Newsletter|SMS opt-in", "email consent.email consent.sms"),
    ],
)  # fmt: skip
def test_headers_of_seven_languages_are_mapped_whatever_their_case_and_spacing(headers, fields):
    columns, short = headers.split("|"), {"first": "first_name", "last": "last_name", "title": "job_title"}
    expected = {short.get(field, field): column for field, column in zip(fields.split(), columns, strict=True)}
    assert read_mapping({}, columns) == expected


def test_no_header_word_is_claimed_by_two_fields():
    assert ambiguous() == []
