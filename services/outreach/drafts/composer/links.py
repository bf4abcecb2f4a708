"""The links in a text: whatever a mail client would make one of, with or without a scheme.

Sources: Linkify (linkify-it-py) for what clients recognise, the Public Suffix List for the top-level domains, RFC 5891
for the form in which a name of other letters is shown.
"""

import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache
from urllib.parse import urlsplit

import idna
from linkify_it import LinkifyIt
from publicsuffixlist import PublicSuffixList

_RESERVED = ("example", "test", "invalid", "localhost", "internal", "onion")
"""Names that are on no list of public suffixes, and are links all the same (RFC 2606, RFC 6761)."""
_MASKED = re.compile(r"\bhxxp(?=s?:)", re.I)
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?\Z")
_DOTS = str.maketrans({"\u3002": ".", "\uff61": ".", "\uff0e": ".", "\u2024": "."})
_MAYBE = re.compile(r"[./:@]")


@dataclass(frozen=True, slots=True)
class Link:
    """A link as it is written, and its host as it really is: names of other letters in their ASCII form."""

    text: str
    host: str

    @property
    def shown(self) -> str:
        """The link for a reviewer: with its host, where the letters hide it."""
        return self.text if self.host in self.text.lower() else f"{self.text} (leads to {self.host})"

    def belongs_to(self, domains: Collection[str]) -> bool:
        """Whether the host is one of the domains or below one."""
        return bool(_HOST.match(self.host)) and any(
            self.host == domain or self.host.endswith(f".{domain}") for domain in domains
        )


def links_in(text: str) -> list[Link]:
    """All links and e-mail addresses in a text, in order."""
    plain = _plain(text)
    return list(_find(plain)) if _MAYBE.search(plain) else []


def _find(plain: str) -> Iterator[Link]:
    for match in _finder().match(plain) or ():
        address = match.url.removeprefix("mailto:")
        host = address.rpartition("@")[2] if match.schema == "mailto:" else _host(address)
        yield Link(match.text, _ascii(host.lower().rstrip(".")))


def _plain(text: str) -> str:
    """The text with the letters that a client reads: compatibility forms resolved, invisible characters removed."""
    resolved = unicodedata.normalize("NFKC", text.translate(_DOTS)).translate(_DOTS)
    visible = "".join(character for character in resolved if unicodedata.category(character) != "Cf")
    return _MASKED.sub("http", visible)


def _host(url: str) -> str:
    try:
        return urlsplit(url if "//" in url else f"//{url}").hostname or url
    except ValueError:
        return url


def _ascii(host: str) -> str:
    if host.isascii():
        return host
    try:
        return idna.encode(host, uts46=True).decode()
    except idna.IDNAError:
        return host.encode("punycode").decode()


@cache
def _finder() -> LinkifyIt:
    finder = LinkifyIt(options={"fuzzy_link": True, "fuzzy_ip": True, "fuzzy_email": True})
    suffixes = {suffix.rpartition(".")[2] for suffix in PublicSuffixList(accept_unknown=False)._publicsuffix}
    finder.tlds(sorted({*suffixes, *_RESERVED}), True)
    return finder
