"""A company table in the forms that people keep: read where it can be, refused with the cell that is wrong."""

import pytest
from pydantic import ValidationError

from services.enrichment.rules.company_names import name_key
from services.enrichment.schemas import DirectoryBody, SettingsBody, read_directory
from services.enrichment.schemas.directory import MAX_COMPANIES
from shared.errors import Invalid, TooLarge
from shared.mail_addresses import registrable

TABLE = """Company Domain;Company Name;INDUSTRY;Employees;Country;Owner
https://www.Acme-Tools.de/about;Acme Tools;;1,000;Germany;Eva
münchen.example;Stadt;City;1.234.567;de;
;;;;;
beta.example;;; ;;
"""


def read(items):
    return [company.model_dump(exclude_none=True) for company in DirectoryBody.model_validate({"items": items}).items]


def test_an_ordinary_csv_table_is_read():
    companies = read_directory(TABLE.encode(), "text/csv; charset=utf-8")
    assert [company.model_dump(exclude_none=True) for company in companies] == [
        {"domain": "acme-tools.de", "company_name": "Acme Tools", "employees": 1000, "country": "DE"},
        {
            "domain": "münchen.example",
            "company_name": "Stadt",
            "industry": "City",
            "employees": 1234567,
            "country": "DE",
        },
        {"domain": "beta.example"},
    ]


def test_a_json_table_may_use_fact_names_and_leave_cells_empty():
    row = {"company_domain": "acme.example", "industry": "", "employees": None, "country": "uk", "timezone": " "}
    assert read([row]) == [{"domain": "acme.example", "country": "GB"}]
    assert read([{"domain": "one.example", "website": "two.example"}]) == [{"domain": "one.example"}]


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ({"domain": "x"}, "domain"),
        ({"domain": "acme.example", "employees": "many"}, "employees"),
        ({"domain": "acme.example", "employees": "1,00"}, "employees"),
        ({"domain": "acme.example", "employees": -1}, "employees"),
        ({"domain": "acme.example", "country": "Elbonia"}, "country"),
        ({"domain": "acme.example", "country": "XX"}, "country"),
        ({"domain": "acme.example", "timezone": "Berlin"}, "timezone"),
        ({"domain": 5}, "domain"),
    ],
)
def test_a_cell_that_makes_no_sense_is_named(row, field):
    with pytest.raises(ValidationError) as refused:
        read([row])
    assert [error["loc"] for error in refused.value.errors()] == [("items", 0, field)]


def test_a_company_may_be_known_by_its_name_alone_but_not_by_nothing():
    assert read([{"company_name": "Acme"}]) == [{"company_name": "Acme"}]
    with pytest.raises(ValidationError, match="needs a domain or a company_name"):
        read([{"employees": 5}])


def test_a_wrong_cell_is_named_by_its_line_and_column():
    table = 'domain;company_name;employees\nacme.example;"Acme\nTools";12\n;;\nbeta.example;Beta;many\n'
    with pytest.raises(Invalid) as refused:
        read_directory(table.encode(), "text/csv")
    assert [(error["line"], error["column"]) for error in refused.value.errors] == [(5, "employees")]
    assert refused.value.detail.startswith("line 5, employees: ")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table_is_read_in_the_encodings_and_with_the_delimiters_of_spreadsheets(encoding, delimiter):
    table = "Domain,Company Name\nmueller.example,Müller\n".replace(",", delimiter)
    (company,) = read_directory(table.encode(encoding), "text/csv")
    assert company.company_name == "Müller"


def test_a_table_has_a_limit():
    table = "company_name\n" + "a\n" * (MAX_COMPANIES + 1)
    with pytest.raises(TooLarge, match="at most 100000 companies"):
        read_directory(table.encode(), "text/csv")


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("ACME Tools GmbH & Co. KG", "acme tools"),
        ("Société Générale S.A.", "societe generale"),
        ("Koninklijke Philips N.V.", "koninklijke philips"),
        ("B.V.", "bv"),
        ("  ", ""),
        (None, ""),
    ],
)
def test_names_are_compared_without_case_accents_and_legal_form(name, key):
    assert name_key(name) == key


def test_a_row_that_is_not_an_object_is_refused():
    with pytest.raises(ValidationError):
        read(["acme.example"])


def test_a_domain_is_the_same_in_unicode_and_in_punycode():
    assert registrable("shop.xn--mnchen-3ya.example") == registrable("shop.MÜNCHEN.example") == "münchen.example"
    assert registrable("xn--.example") == "xn--.example"


def test_unknown_settings_are_ignored():
    assert SettingsBody.model_validate({"enabled": False, "tenant": "acme"}).enabled is False
