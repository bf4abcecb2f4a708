"""What websites and APIs answer is read in a process of its own, which a hostile answer cannot keep busy for long."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping

import pytest

from services.enrichment.gateways.answer_reader import AnswerReader, NotRead
from services.enrichment.rules.mapping import MAX_FACTS
from shared.expressions import check_expression

NESTED = b"<div>" * 100_000
NUMBERS = b"[" + b",".join([b"1"] * 100_000) + b"]"
SLOW = "|".join(["[?to_string(@)!='x']"] * 8)
ALL_SLOW = {f"fact_{number}": SLOW for number in range(MAX_FACTS)}


@pytest.fixture
async def reader() -> AsyncIterator[AnswerReader]:
    made = AnswerReader("its answer", seconds=20)
    try:
        yield made
    finally:
        await made.close()


@pytest.mark.parametrize("mapping", [None, ALL_SLOW], ids=["page", "document"])
async def test_what_cannot_be_read_in_time_costs_its_time_and_the_next_answer_is_read(
    reader: AnswerReader, mapping: Mapping[str, str] | None
) -> None:
    check_expression(SLOW, longest=200)
    await reader.read_page(b"<title>warm</title>")
    reader._seconds = 1.0
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        while True:
            began = time.monotonic()
            await asyncio.sleep(0.01)
            longest = max(longest, time.monotonic() - began)

    watching = asyncio.create_task(watch())
    began = time.monotonic()
    with pytest.raises(NotRead, match="its answer could not be read within 1 seconds"):
        await (reader.read_document(NUMBERS, mapping) if mapping else reader.read_page(NESTED))
    watching.cancel()
    assert time.monotonic() - began < 18
    assert longest < 0.8, "the loop of everybody else stood still"
    reader._seconds = 20
    assert (await reader.read_page(b"<title>Acme</title>"))["website_title"] == ("Acme", 0.7)
    assert await reader.read_document(b'{"a": {"n": "1,200"}}', {"employees": "a.n"}) == {"employees": 1_200}


async def test_a_page_is_text_in_the_character_set_that_its_header_names(reader: AnswerReader) -> None:
    for charset in ("windows-1251", "utf-8", '"UTF-8"', "shift_jis"):
        page = "<title>\u041c\u0438\u0440</title>".encode(charset.strip('"'))
        assert (await reader.read_page(page, charset))["website_title"] == ("\u041c\u0438\u0440", 0.7)


@pytest.mark.parametrize(
    ("page", "label"),
    [
        (b'<meta charset="windows-1251"><title>%s</title>', "windows-1251"),
        (
            b'<META http-equiv=Content-Type content="text/html; charset=iso-8859-5"><title>%s</title>',
            "iso-8859-5",
        ),
        (b"<meta charset='utf-16'><title>%s</title>", "utf-8"),  # it would not have been found in a page in UTF-16
        (b"\xef\xbb\xbf<meta charset=koi8-r><title>%s</title>", "utf-8"),
        (b"<meta name=charset content=koi8-r><title>%s</title>", "utf-8"),
    ],
)
async def test_a_page_names_its_character_set_itself_where_its_header_does_not(reader, page, label) -> None:
    body = page % "\u041c\u0438\u0440".encode(label)
    assert (await reader.read_page(body))["website_title"] == ("\u041c\u0438\u0440", 0.7)


async def test_a_fact_that_could_not_be_decoded_is_left_out(reader: AnswerReader) -> None:
    page = "<title>M\u00fcller</title><meta property=og:site_name content=Acme>".encode("cp1252")
    assert "\ufffd" not in str(await reader.read_page(page))


@pytest.mark.parametrize(
    "charset", ["punycode", "idna", "base64", "unicode_escape", "rot13", "no such set", "\ud800", ""]
)
async def test_a_codec_that_is_no_character_set_is_never_used(reader: AnswerReader, charset: str) -> None:
    page = b"<title>Acme</title>" + b"a" * 400_000
    assert (await reader.read_page(page, charset.encode(errors="replace").decode()))["website_title"] == ("Acme", 0.7)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<html>", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b'{"a": NaN}', "not JSON"),
        (b"[" * 500 + b"]" * 500, "nested too deeply"),
        (b"[" * 50_000, "not JSON"),
    ],
)
async def test_a_document_that_cannot_be_read_is_refused_with_a_reason(
    reader: AnswerReader, body: bytes, reason: str
) -> None:
    with pytest.raises(NotRead, match=reason):
        await reader.read_document(body, {"industry": "a"})
    assert await reader.read_document(b'{"a": "Steel"}', {"industry": "a"}) == {"industry": "Steel"}


async def test_a_document_gives_the_values_that_have_the_form_of_their_fact(reader: AnswerReader) -> None:
    document = b'{"c": "Germany", "n": 123456789012345678901234567890, "t": "x\\ud800y", "o": {"deep": 1}}'
    mapping = {"country": "c", "revenue": "n", "industry": "t", "funding": "o", "employees": "missing"}
    assert await reader.read_document(document, mapping) == {"country": "DE", "industry": "x y"}


async def test_a_reader_starts_though_each_caller_gives_up_before_it_is_ready(reader: AnswerReader) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            async with asyncio.timeout(0.05):
                found = await reader.read_document(b'{"a": "Steel"}', {"industry": "a"})
        except TimeoutError:
            assert time.monotonic() < deadline, "nobody is ever answered"
        else:
            break
    assert found == {"industry": "Steel"}
