"""What a company's web page says of the company: JSON-LD (schema.org), OpenGraph, title, description, links.

The parser takes very long for hostile pages, so pages are read in a process of their own (`gateways/answer_reader.py`).
Persons are left out: of the addresses on a page only role mailboxes such as info@ are facts about the company.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

import orjson
from selectolax.lexbor import LexborHTMLParser, LexborNode

from services.enrichment.rules.fact_values import clean_text
from services.enrichment.rules.shared_hosts import social_network
from shared.mail_addresses import domain_of, is_free, is_role_mailbox

MAX_PAGE = 512_000
"""Bytes of a page that are read."""
_MAX_JSON = 100_000
_MAX_LINKS = 2_000
_MAX_THINGS = 500
_LEVELS = 12

_ORGANISATIONS = ("organization", "corporation", "business", "company", "store", "agency", "ngo", "shop", "restaurant")
_PRIVATE_PATHS = ("in", "pub", "share", "sharer", "sharer.php", "intent", "status", "watch", "hashtag", "p")
"""First parts of paths that lead to a person, a post, or a button that shares this page."""

Claim = tuple[Any, float]
"""A value, not checked yet, and the confidence in it."""


def read_page(html: str) -> dict[str, Claim]:
    """What the page claims, by the name of the fact. Values are as they stand there."""
    page = LexborHTMLParser(html[:MAX_PAGE])
    claims: dict[str, Claim] = {}
    organisation = _organisation(page)
    if organisation:
        _add(claims, _from_organisation(organisation), 0.8)
    meta = _meta(page)
    _add(claims, {"company_name": meta.get("og:site_name")}, 0.7)
    _add(claims, {"company_description": meta.get("og:description") or meta.get("description")}, 0.7)
    title = page.css_first("title")
    _add(claims, {"website_title": title.text() if title else None}, 0.7)
    _add(claims, {"website_language": _language(page)}, 0.7)
    _add(claims, _from_links(page, organisation or {}), 0.6)
    return claims


def _add(claims: dict[str, Claim], values: Mapping[str, Any], confidence: float) -> None:
    for name, value in values.items():
        if value not in (None, "", [], {}):
            claims.setdefault(name, (value, confidence))


def _meta(page: LexborHTMLParser) -> dict[str, str]:
    found: dict[str, str] = {}
    for node in page.css("meta")[:_MAX_LINKS]:
        name = (node.attributes.get("property") or node.attributes.get("name") or "").strip().lower()
        content = clean_text(node.attributes.get("content"), 500)
        if name and content:
            found.setdefault(name[:100], content)
    return found


def _language(page: LexborHTMLParser) -> str | None:
    root = page.css_first("html")
    language = (root.attributes.get("lang") or "").strip().lower() if root else ""
    return language[:2] if language[:2].isalpha() and len(language[:2]) == 2 else None


def _organisation(page: LexborHTMLParser) -> Mapping[str, Any] | None:
    """The first organisation in the page's JSON-LD, else None."""
    for node in page.css("script")[:_MAX_LINKS]:
        if (node.attributes.get("type") or "").strip().lower().partition(";")[0] != "application/ld+json":
            continue
        text = node.text()
        if len(text) > _MAX_JSON:
            continue
        try:
            document = orjson.loads(text)
        except orjson.JSONDecodeError:
            continue
        for thing in _things(document):
            kinds = thing.get("@type")
            kinds = kinds if isinstance(kinds, list) else [kinds]
            if any(isinstance(kind, str) and kind.lower().endswith(_ORGANISATIONS) for kind in kinds[:20]):
                return thing
    return None


def _things(document: Any) -> Iterator[Mapping[str, Any]]:
    """The objects of a document, the outer ones first; bounded in depth and number."""
    level, seen = [document], 0
    for _ in range(_LEVELS):
        below: list[Any] = []
        for each in level:
            seen += 1
            if seen > _MAX_THINGS:
                return
            if isinstance(each, Mapping):
                yield each
                below += [value for value in each.values() if isinstance(value, dict | list)]
            elif isinstance(each, list):
                below += [value for value in each[:_MAX_THINGS] if isinstance(value, dict | list)]
        level = below


def _from_organisation(thing: Mapping[str, Any]) -> dict[str, Any]:
    address = thing.get("address")
    address = address[0] if isinstance(address, list) and address else address
    country = address.get("addressCountry") if isinstance(address, Mapping) else None
    country = country.get("name") if isinstance(country, Mapping) else country
    industry = thing.get("industry") or thing.get("knowsAbout")
    industry = industry[0] if isinstance(industry, list) and industry else industry
    return {
        "company_name": thing.get("name") or thing.get("legalName"),
        "company_description": thing.get("description"),
        "employees": thing.get("numberOfEmployees"),
        "industry": industry if isinstance(industry, str) else None,
        "country": country,
        "company_phone": thing.get("telephone"),
        "company_email": _company_mailbox(thing.get("email")),
    }


def _company_mailbox(address: object) -> str | None:
    """A mailbox of the company; None for that of a person, or at a free provider."""
    text = clean_text(address, 320)
    text = text.removeprefix("mailto:").lower() if text else ""
    domain = domain_of(text)
    return text if domain and not is_free(domain) and " " not in text and is_role_mailbox(text) else None


def _from_links(page: LexborHTMLParser, organisation: Mapping[str, Any]) -> dict[str, Any]:
    links = [*_same_as(organisation), *(_href(node) for node in page.css("a")[:_MAX_LINKS])]
    social: dict[str, str] = {}
    found: dict[str, Any] = {}
    for link in links:
        scheme, _, rest = link.partition(":")
        if scheme == "mailto":
            found.setdefault("company_email", _company_mailbox(unquote(rest.partition("?")[0])))
            if found["company_email"] is None:
                del found["company_email"]
        elif scheme == "tel":
            found.setdefault("company_phone", unquote(rest)[:40])
        elif scheme in ("http", "https") and (network := _profile(link)):
            social.setdefault(*network)
    return found | {f"company_{network}": url for network, url in social.items()}


def _href(node: LexborNode) -> str:
    return (node.attributes.get("href") or "").strip()[:500]


def _same_as(organisation: Mapping[str, Any]) -> list[str]:
    links = organisation.get("sameAs")
    links = links if isinstance(links, list) else [links]
    return [link[:500] for link in links[:50] if isinstance(link, str)]


def _profile(link: str) -> tuple[str, str] | None:
    """(network, address) of a company's profile at a social network."""
    try:
        parts = urlsplit(link)
        host = parts.hostname or ""
    except ValueError:
        return None
    network = social_network(host)
    path = parts.path.rstrip("/")
    first = path.strip("/").partition("/")[0].lower()
    if not network or not first or first in _PRIVATE_PATHS:
        return None
    return network, f"https://{host.lower().removeprefix('www.')}{path}"
