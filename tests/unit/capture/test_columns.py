import pytest

from services.capture.rules.columns import neutral, read_mapping, read_row


def test_usual_headers_map_themselves():
    assert read_mapping({}, ["E-Mail", "First Name", "Phone Number", "Lead Source", "utm_campaign", "Shoe size"]) == {
        "email": "E-Mail",
        "first_name": "First Name",
        "phone": "Phone Number",
        "source": "Lead Source",
        "campaign": "utm_campaign",
    }


@pytest.mark.parametrize("given", [{"email": "Kontakt"}, {"Kontakt": "email"}])
def test_a_mapping_may_be_written_either_way_round(given):
    assert read_mapping(given, ["Kontakt", "Company"]) == {"email": "Kontakt", "company": "Company"}


def test_what_the_caller_maps_is_not_mapped_again_by_the_header():
    assert read_mapping({"company": "email", "email": "Mail 2"}, ["email", "Mail 2"]) == {
        "company": "email",
        "email": "Mail 2",
    }


@pytest.mark.parametrize(
    ("given", "reason"),
    [({"email": "Nope"}, "no column Nope"), ({"shoe": "size"}, "no field"), ({}, "no column gives")],
)
def test_a_mapping_that_cannot_be_followed_is_refused(given, reason):
    with pytest.raises(ValueError, match=reason):
        read_mapping(given, ["Kontakt"])


def test_a_row_becomes_a_submission_with_consent_and_attributes():
    mapping = read_mapping({"attributes.plan": "Plan", "consent.email": "OK?"}, ["email", "Plan", "OK?"])
    assert read_row({"email": "a@x.example", "Plan": "pro", "OK?": "yes"}, mapping, "fair") == {
        "source": "fair",
        "email": "a@x.example",
        "consent": {"email": "yes"},
        "attributes": {"plan": "pro"},
    }


def test_a_row_may_name_its_own_source():
    assert (
        read_row({"email": "a@x.example", "source": "crm"}, {"email": "email", "source": "source"}, "fair")["source"]
        == "crm"
    )


def test_json_records_are_read_by_path_and_by_the_names_of_the_fields():
    values = {"contact": {"mail": "a@x.example"}, "company": "Acme", "id": 7, "attributes": {"n": 1}}
    assert read_row(values, read_mapping({"email": "contact.mail", "external_id": "id"}, ()), "api") == {
        "source": "api",
        "email": "a@x.example",
        "company": "Acme",
        "external_id": "7",
        "attributes": {"n": 1},
    }


@pytest.mark.parametrize("cell", ["=1+1", "+49", "-2", "@SUM(A1)", "\t=1", "  =1", "\r=1"])
def test_cells_that_a_spreadsheet_would_run_are_neutralised(cell):
    assert neutral(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["ada@x.example", "Acme", "", "3-4"])
def test_other_cells_stay_as_they_are(cell):
    assert neutral(cell) == cell
