"""Forms that other systems post to a webhook."""

import pytest

from services.capture.rules.form_bodies import is_form, read_form
from services.capture.use_cases.webhooks import read_body

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=XX"


def multipart(*parts: tuple[str, bytes]) -> bytes:
    return b"".join(
        b"--XX\r\nContent-Disposition: form-data; " + head.encode() + b"\r\n\r\n" + value + b"\r\n"
        for head, value in parts
    ) + (b"--XX--\r\n")


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"name=M%FCller", f"{URLENCODED}; charset=ISO-8859-1"),
        (b"name=M%FCller", f'{URLENCODED};charset="windows-1252"'),
        (b"name=M%C3%BCller", URLENCODED),
        ("name=Müller".encode(), f"{URLENCODED}; charset=UTF-8"),
        (b"name=M%FCller", URLENCODED),  # what old senders write and do not name
        (b"name=M%FCller", f"{URLENCODED}; charset=no-such-set"),
        (multipart(('name="name"', "Müller".encode())), MULTIPART),
        (multipart(('name="name"', b"M\xfcller")), f"{MULTIPART}; charset=latin1"),
    ],
)
def test_a_form_is_text_in_the_character_set_of_its_sender(body, content_type):
    assert is_form(content_type)
    assert read_form(body, content_type) == {"name": "Müller"}


def test_a_form_that_is_not_in_its_character_set_is_refused_and_says_so():
    with pytest.raises(ValueError, match="not in the character set that it names"):
        read_form(b"name=M%FCller", f"{URLENCODED}; charset=utf-8")


def test_the_fields_of_a_form_are_read_and_its_files_are_not():
    parts = [
        ('name="email"', b"ada@x.example"),
        ('name="file"; filename="a.pdf"\r\nContent-Type: application/pdf', b"x" * 2_000_000),
        ('name="note"', b"two\r\nlines"),
        ('name="empty"', b""),
    ]
    assert read_form(multipart(*parts), MULTIPART) == {"email": "ada@x.example", "note": "two\r\nlines", "empty": ""}
    assert read_form(b"a=1&b=&c&a=2&&plus=1+1%2B1", URLENCODED) == {"a": "2", "b": "", "c": "", "plus": "1 1+1"}
    assert read_form(b"", URLENCODED) == {}


def test_a_field_that_holds_an_object_is_that_object():
    """As Slack (`payload`), Jotform (`rawRequest`) and Unbounce (`data.json`) send what they have to say."""
    body = b"payload=%7B%22user%22%3A%7B%22email%22%3A%22ada%40x.example%22%7D%7D&odd=%7Bno&list=%5B1%5D"
    expected = {"payload": {"user": {"email": "ada@x.example"}}, "odd": "{no", "list": "[1]"}
    assert read_body(body, URLENCODED) == expected
    assert read_form(multipart(('name="rawRequest"', b'{"q": {"first": "Ada\\u0000"}}')), MULTIPART) == {
        "rawRequest": {"q": {"first": "Ada"}}
    }
    deep = b'{"a":' * 5_000 + b"1" + b"}" * 5_000
    assert read_form(multipart(('name="a"', deep)), MULTIPART) == {"a": deep.decode()}


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (multipart(('name="a"', b"1")), "multipart/form-data"),
        (multipart(('name="a"', b"1")), "multipart/form-data; boundary=YY"),
        (b"no form at all", MULTIPART),
        (b"&".join(b"a%d=1" % number for number in range(1_001)), URLENCODED),
        (multipart(*[(f'name="a{number}"', b"1") for number in range(1_001)]), MULTIPART),
    ],
)
def test_what_is_no_form_is_refused_with_a_sentence(body, content_type):
    with pytest.raises(ValueError, match=r"the form (cannot be read|has more than 1000 fields)"):
        read_body(body, content_type)
