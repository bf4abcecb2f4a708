"""Whom an SMS is from is one number, whichever way its provider or adapter writes it."""

import pytest

from services.outreach.address_forms import sms_sender


@pytest.mark.parametrize(
    "written",
    [
        "+4915112345678",
        "4915112345678",
        "004915112345678",
        "+49 (0)151 12345678",
        "+49 151/123-456-78",
        "49 151 12345678",
        "tel:+49-151-12345678",
        "+49151 12345678",
    ],
)
def test_a_number_with_its_country_code_is_the_leads(written: str) -> None:
    assert sms_sender(written) == "+4915112345678"


@pytest.mark.parametrize(
    "written", ["72404", "491234", "80012345", "ACME", "0151 12345678", "123456789012345678901", ""]
)
def test_short_codes_names_and_what_is_no_such_number_stay_as_they_are(written: str) -> None:
    assert sms_sender(written) == written.replace(" ", "")
