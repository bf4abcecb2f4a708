"""A company table in the forms that people keep: read where it can be, refused with the cell that is wrong."""

import pytest
from pydantic import ValidationError

from services.enrichment.rules.mail import registrable
from services.enrichment.schemas import DirectoryBody, SettingsBody, read_directory

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
        ({"company_name": "Acme"}, "domain"),
        ({"domain": "acme.example", "employees": "many"}, "employees"),
        ({"domain": "acme.example", "employees": "1,00"}, "employees"),
        ({"domain": "acme.example", "employees": -1}, "employees"),
        ({"domain": "acme.example", "country": "Elbonia"}, "country"),
        ({"domain": 5}, "domain"),
    ],
)
def test_a_cell_that_makes_no_sense_is_named(row, field):
    with pytest.raises(ValidationError) as refused:
        read([row])
    assert [error["loc"] for error in refused.value.errors()] == [("items", 0, field)]


def test_a_row_that_is_not_an_object_is_refused():
    with pytest.raises(ValidationError):
        read(["acme.example"])


def test_a_domain_is_the_same_in_unicode_and_in_punycode():
    assert registrable("shop.xn--mnchen-3ya.example") == registrable("shop.MÜNCHEN.example") == "münchen.example"
    assert registrable("xn--.example") == "xn--.example"


def test_unknown_settings_are_ignored():
    assert SettingsBody.model_validate({"enabled": False, "tenant": "acme"}).enabled is False
