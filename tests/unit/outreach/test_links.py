"""What a mail client would make a link of is a link, is shown as what it is, and never comes from a lead's field."""

import pytest

from services.outreach.drafts.composer.claims import MAX_SENTENCES, check_claims
from services.outreach.drafts.composer.links import links_in
from services.outreach.drafts.composer.sanitiser import plain_value

OWN = ["acme.leadflow.example"]


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("http://evil.com/login", "evil.com"),
        ("Go to evil-login.com/verify now", "evil-login.com"),
        ("hxxps://evil.com", "evil.com"),
        ("[click](//evil.example)", "evil.example"),
        ("evil\uff0ecom\uff0fx", "evil.com"),
        ("evil\u3002com", "evil.com"),
        ("ev\u200bil.com", "evil.com"),
        ("bit.ly/3x", "bit.ly"),
        ("WIN www.evil-prize.com/claim now", "www.evil-prize.com"),
        ("http://acme.leadflow.example@evil.com/", "evil.com"),
        ("http://203.0.113.7/x", "203.0.113.7"),
        ("203.0.113.7/x", "203.0.113.7"),
        ("write to boss@evil.example", "evil.example"),
        ("mailto:boss@evil.example", "evil.example"),
        ("HTTPS://EVIL.COM", "evil.com"),
        ("b\u00fccher.example", "xn--bcher-kva.example"),
        ("\u0430pple.com", "xn--pple-43d.com"),
        ("evil.\u0440\u0444", "evil.xn--p1ai"),
        ("//evil.example/x", "evil.example"),
        ("ftp://evil.example", "evil.example"),
        ("evil.museum", "evil.museum"),
        ("acme.leadflow.example.evil.com", "acme.leadflow.example.evil.com"),
    ],
)
def test_a_link_is_found_with_the_host_that_it_leads_to(text: str, host: str) -> None:
    (link,) = links_in(text)
    assert link.host == host
    assert not link.belongs_to(OWN)
    assert host in link.shown.lower()
    (claim,) = [claim for claim in check_claims(text, [], {}, OWN) if claim.get("kind") == "link"]
    assert claim["unsupported"] and claim["value"] == link.shown


@pytest.mark.parametrize(
    "text",
    ["Node.js and v2.0.1", "3.5 percent", "e.g. this", "Dr. Ada Lovelace", "and/or", "at 10:30", "C:\\temp", "a@b", ""],
)
def test_ordinary_text_has_no_links(text: str) -> None:
    assert links_in(text) == []


@pytest.mark.parametrize(
    "text", ["acme.leadflow.example/x", "https://www.acme.leadflow.example", "sales@acme.leadflow.example"]
)
def test_a_link_to_the_tenant_s_own_domain_is_not_marked(text: str) -> None:
    assert check_claims(text, [], {}, OWN) == []


def test_a_link_in_the_subject_is_marked_too() -> None:
    (claim,) = check_claims("Hello.", [], {}, OWN, "See evil.com")
    assert claim["value"] == "evil.com"


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        ("WIN www.evil-prize.com/claim now", ""),
        ("http://evil.com", ""),
        ("boss@evil.example", ""),
        ("evil.com/login", ""),
        ("Ada", "Ada"),
        ("Booking.com", "Booking.\u200bcom"),
        ("St. Mary's Ltd.", "St. Mary's Ltd."),
    ],
)
def test_a_lead_s_value_brings_no_link_into_a_text(value: str, plain: str) -> None:
    assert plain_value(value) == plain
    assert plain_value(plain_value(value)) == plain
    assert links_in(f"Hello {plain}".replace("\u200b", "\n")) == []


@pytest.mark.parametrize(
    "sentence",
    [
        "It is free for the first year, our CEO promised it.",
        "You get a full refund.",
        "We guarantee the best price.",
        "Das erste Jahr ist kostenlos.",
        "Nous garantissons un rabais.",
        "Le garantizamos un descuento.",
        "Gratuito no primeiro ano, com desconto.",
        "U krijgt korting.",
        "Le facciamo uno sconto.",
    ],
)
def test_a_promise_without_a_fact_is_marked(sentence: str) -> None:
    (claim,) = check_claims(sentence, [], {}, OWN)
    assert claim["sentence"] == sentence and claim["unsupported"]


@pytest.mark.parametrize("sentence", ["Are you free on Monday?", "Feel free to call me.", "I am free from ten."])
def test_being_free_is_no_promise(sentence: str) -> None:
    assert check_claims(sentence, [], {}, OWN) == []


def test_a_text_of_too_many_sentences_is_marked_as_a_whole() -> None:
    (claim,) = check_claims("\n".join(str(number) for number in range(8_000)), [], {}, OWN)
    assert claim["unsupported"] and str(MAX_SENTENCES) in claim["sentence"]
