"""What is asked, when it is asked again, what robots.txt refuses, and what an answer may claim."""

import importlib
import pkgutil
import re
from datetime import UTC, datetime, timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

import services.enrichment.rules as rules
from services.enrichment.gateways.fetcher import Response
from services.enrichment.gateways.reference_data import subject_of
from services.enrichment.providers.provider import ProviderConfig
from services.enrichment.rules.addresses import AllowedHosts, read_target
from services.enrichment.rules.breaker import FAILURES, MAX_WAITS, ProviderHealth, retry_at
from services.enrichment.rules.fact_values import read_fact
from services.enrichment.rules.mapping import apply_mapping
from services.enrichment.rules.pages import read_page
from services.enrichment.rules.questions import Question, question_for, render
from services.enrichment.rules.robots import MAX_BYTES, matches, read_robots
from services.enrichment.use_cases import lookups
from shared.countries import country_code
from tests.processor_time import processor_seconds

NOW = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("robots", "path", "allowed"),
    [
        (b"User-agent: *\nDisallow: /private", "/", True),
        (b"User-agent: *\nDisallow: /private", "/private/x", False),
        (b"User-agent: *\nDisallow: /\nAllow: /$", "/", True),
        (b"User-agent: *\nDisallow: /\nAllow: /$", "/x", False),
        (b"User-agent: a\nUser-agent: Leadflow/1.0 \ndisallow: /\n\nUser-agent: *\nDisallow:", "/", False),
        (b"User-agent: other\nDisallow: /", "/", True),
        (b"\xef\xbb\xbfUser-agent: *\r\nDisallow: /*.pdf$ # no files", "/a.pdf", False),
        (b"User-agent: *\r\nDisallow: /*.pdf$", "/a.pdf?x", True),
        (b"Disallow: /", "/", True),
        ("User-agent: *\nDisallow: /über".encode(), "/%C3%BCber-uns", False),
        (b"User-agent: *\nDisallow: /%C3%BCber", "/%C3%BCber-uns", False),
        (b"\x00\xff<html>" * 1_000, "/", True),
        (b"", "/", True),
    ],
)
def test_robots_txt_is_read_as_its_standard_says(robots: bytes, path: str, allowed: bool) -> None:
    assert read_robots(robots).allows(path) is allowed


def test_hostile_robots_cost_little() -> None:
    body = b"User-agent: *\n" + b"Disallow: /" + b"a*" * 200 + b"b\n"

    def read() -> None:
        assert read_robots(body * (MAX_BYTES // len(body))).allows("/" + "a" * 2_000)
        assert not matches("/" + "*a" * 200 + "b$", "/" + "a" * 2_000)

    assert processor_seconds(read, enough=5) < 5


def test_values_stay_one_part_of_the_address() -> None:
    subject = subject_of({"email": "a+b@acme.example", "company": "A&B / C?d=e#f"})
    template = "https://api.example/{domain}?q={company_name}&m={{email}}"
    question = question_for(template, subject)
    assert question is not None and question.personal
    assert render(template, question) == (
        "https://api.example/acme.example?q=A%26B%20%2F%20C%3Fd%3De%23f&m=a%2Bb%40acme.example"
    )
    assert question_for("https://api.example/{phone}", subject) is None
    company = question_for("https://api.example/{domain}", subject)
    assert company is not None and not company.personal
    other = question_for("https://api.example/{domain}", subject_of({"email": "c@acme.example"}))
    assert other is not None and other.key == company.key


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0),
        ("Sun, 01 Nov 2026 00:01:00 GMT", 60.0),
        ("9" * 400, 999_999.0),
        ("²", None),
        ("-5", None),
        ("soon", None),
        ("", None),
    ],
)
def test_a_request_to_wait_is_seconds_or_a_date_and_anything_else_is_none(header: str, seconds: float | None) -> None:
    target = read_target("https://api.example/", AllowedHosts(frozenset()))
    assert Response(target, 429, {"retry-after": header}, b"", False).retry_after(NOW) == seconds


def test_a_document_of_another_form_gives_no_fact() -> None:
    assert apply_mapping({"a": "length(x)", "b": "y.z", "c": "n"}, {"x": 5, "y": [1], "n": 0}) == {"c": 0}


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("employees", "1,200", 1_200),
        ("employees", "50-200", 50),
        ("employees", {"@type": "QuantitativeValue", "minValue": 11, "maxValue": 50}, 11),
        ("employees", 12.0, 12),
        ("employees", "lots", None),
        ("employees", -5, None),
        ("employees", True, None),
        ("employees", float("nan"), None),
        ("country", "Germany", "DE"),
        ("country", "Elbonia", None),
        ("timezone", "Europe/Berlin", "Europe/Berlin"),
        ("timezone", "../../etc/passwd", None),
        ("company_domain", "https://www.acme.co.uk/x", "acme.co.uk"),
        ("company_domain", "https://www.linkedin.com/company/acme", None),
        ("company_name", "  Acme\u202e\n\x00 Tools ", "Acme Tools"),
        ("company_name", {"a": 1}, None),
        ("industry", "x" * 1_000_000, "x" * 300),
        ("email_free", True, None),
        ("funding", {"deep": 1}, None),
        ("tags", ["a", {"b": 1}, 2, None], ["a", 2]),
        ("revenue", 1e300, None),
        ("is_public", True, True),
    ],
)
def test_a_claim_that_has_not_the_form_of_its_fact_is_left_out(name: str, value: Any, read: Any) -> None:
    assert read_fact(name, value, country_code) == read


def test_a_page_claims_what_it_says_and_no_person() -> None:
    page = """<title>T</title><script type="application/ld+json">{"@type": ["Thing", "LocalBusiness"], "name": "N",
    "email": "jane.doe@n.example", "address": [{"addressCountry": {"name": "Austria"}}]}</script>
    <script type="application/ld+json">not json</script><meta name="description" content="D">
    <a href="mailto:sales@n.example?subject=x">m</a><a href="https://linkedin.com/in/jane-doe">Jane</a>
    <a href="https://www.facebook.com/ncompany/">F</a>"""
    claims = {name: value for name, (value, _) in read_page(page).items()}
    assert claims == {
        "company_name": "N",
        "country": "Austria",
        "website_title": "T",
        "company_description": "D",
        "company_email": "sales@n.example",
        "company_facebook": "https://facebook.com/ncompany",
    }
    assert read_page("") == {}


def test_failures_in_a_row_pause_a_provider_longer_and_longer() -> None:
    health, now = ProviderHealth(), NOW
    for _ in range(FAILURES - 1):
        health = health.after_failure("x", now, breaks=True)
    assert (health.state(now), health.paused_until) == ("failing", None)
    health = health.after_failure("x", now, breaks=True)
    assert health.paused_until == now + timedelta(seconds=30)
    assert health.allowance(None, 10, now, breaks=True) == 1
    for _ in range(20):
        health = health.after_failure("x", now, breaks=True)
    assert health.paused_until == now + timedelta(minutes=10)
    assert health.after_answer(now).state(now) == "working"
    websites = ProviderHealth(failures=50).after_failure("x", now, breaks=False)
    assert (websites.paused_until, websites.allowance(None, 10, now, breaks=False)) == (None, 10)


def test_a_provider_that_asks_for_a_pause_gets_one_of_a_bounded_length() -> None:
    for asked, given_ in ((-5, 1), (120, 120), (10**6, 3_600)):
        health = ProviderHealth().after_failure("x", NOW, breaks=True, wait=timedelta(seconds=asked))
        assert (health.paused_until, health.failures) == (NOW + timedelta(seconds=given_), 0)


@pytest.mark.parametrize("asked", [timedelta.max, timedelta(days=11), timedelta(0), timedelta(days=-400)])
def test_a_question_waits_as_long_as_its_provider_asks_and_not_for_ever(asked: timedelta) -> None:
    config = ProviderConfig("api", "json_api", UUID(int=1))
    due = []
    for attempts in range(MAX_WAITS):
        leased = lookups.Leased(("acme", UUID(int=1), UUID(int=2)), config, Question({}), False, attempts)
        result = lookups.Result(leased, "failed", 1, again=True, wait=asked)
        due.append(lookups._row(SimpleNamespace(now=NOW), result, {"findings": None})[-1])  # type: ignore[arg-type]
    assert all(timedelta(seconds=1) <= at - NOW <= timedelta(hours=1) for at in due[:-1])
    assert due[-1] is None, "then a new lead of the company asks again"


def test_the_rate_limit_holds_over_a_minute() -> None:
    health, now, sent = ProviderHealth(), NOW, 0
    for _ in range(600):
        count = health.allowance(60, 5, now, breaks=True)
        if count:
            health, sent = health.after_asking(count, 60, now), sent + count
        now += timedelta(seconds=0.1)
    assert 60 <= sent <= 72
    assert health.asked_in_last_minute(now) <= sent


def test_a_question_is_asked_again_a_few_times_only() -> None:
    times = [retry_at(attempts, NOW) for attempts in range(5)]
    assert [bool(at) for at in times] == [False, True, True, False, False]


def _patterns() -> dict[str, re.Pattern[str]]:
    found = {}
    for module in pkgutil.walk_packages(rules.__path__, "services.enrichment.rules."):
        for name, value in vars(importlib.import_module(module.name)).items():
            if isinstance(value, re.Pattern):
                found[f"{module.name}.{name}"] = value
    return found


def test_no_pattern_of_the_rules_is_quadratic() -> None:
    assert len(_patterns()) > 5
    for name, pattern in _patterns().items():
        for unit in ("a", "a.", "1,", "1", " ", "{", "{a", "&", "-", "ü", "%", "a. "):
            text = unit * (200_000 // len(unit))
            assert processor_seconds(partial(pattern.search, text), enough=1) < 1, (name, unit)
            assert processor_seconds(partial(pattern.match, text), enough=1) < 1, (name, unit)
