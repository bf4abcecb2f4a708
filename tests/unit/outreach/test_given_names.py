import pytest

from services.outreach.drafts.composer.given_names import given_name


@pytest.mark.parametrize(
    ("full_name", "given"),
    [
        ("Ada Lovelace", "Ada"),
        ("ADA LOVELACE", "Ada"),
        ("ada lovelace", "Ada"),
        ("jean-luc picard", "Jean-Luc"),
        ("Dr. Hans Müller", "Hans"),
        ("Frau Dr. Anna-Lena Groß", "Anna-Lena"),
        ("Müller, Hans", "Hans"),
        ("van der Berg, Jan", "Jan"),
        ("Jan van der Berg", "Jan"),
        ("María del Carmen López", "María"),
        ("Mohammed bin Salman", "Mohammed"),
        ("Peter Huber, MBA", "Peter"),
        ("O'Neill, Patrick", "Patrick"),
        ("Łukasz Żak", "Łukasz"),
    ],
)
def test_a_given_name_is_found_where_the_split_is_sure(full_name, given):
    assert given_name(full_name) == given


@pytest.mark.parametrize(
    "full_name",
    [
        "Lovelace",
        "J. Smith",
        "A. B. Carter",
        "Herr Müller",
        "Mr. & Mrs. Smith",
        "Anna and Bob Miller",
        "Abdul Rahman",
        "王小明",
        "김민준",
        "Wei Zhang",
        "Nguyễn Văn An",
        "Tanaka Yuki",
        "Acme GmbH",
        "Sales Team",
        "info",
        "x7@y",
        "Room 4",
        "",
        "  ",
    ],
)
def test_nobody_is_greeted_by_a_name_that_is_not_sure(full_name):
    assert given_name(full_name) is None


def test_where_the_family_name_comes_first_no_name_is_sure():
    assert given_name("Kovács Anna", "HU") is None
    assert given_name("Anna Kovács", "AT") == "Anna"
