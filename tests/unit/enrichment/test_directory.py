"""A company table as people keep it: read whole where it can be, refused by the cell where it cannot."""

import pytest
from pydantic import ValidationError

from services.enrichment.endpoints import _from_csv
from services.enrichment.rules.mail import registrable
from services.enrichment.schemas import DirectoryBody, SettingsBody

TABLE = """Company Domain;Company Name;INDUSTRY;Employees;Country;Owner
https://www.Acme-Tools.de/about;Acme Tools;;1,000;Germany;Eva
münchen.example;Stadt;City;1.234.567;de;
;;;;;
beta.example;;; ;;
"""


def read(items):
    return [company.model_dump(exclude_none=True) for company in DirectoryBody.model_validate({"items": items}).items]


def test_an_ordinary_table_is_read():
    assert read(_from_csv(TABLE.encode())) == [
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


def test_a_json_table_may_name_the_fact_and_leave_cells_empty():
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


def test_a_row_that_is_none_is_named():
    with pytest.raises(ValidationError):
        read(["acme.example"])


def test_a_domain_is_the_same_in_both_spellings():
    assert registrable("shop.xn--mnchen-3ya.example") == registrable("shop.MÜNCHEN.example") == "münchen.example"
    assert registrable("xn--.example") == "xn--.example"


def test_settings_may_carry_more():
    assert SettingsBody.model_validate({"enabled": False, "tenant": "acme"}).enabled is False
