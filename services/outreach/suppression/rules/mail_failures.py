"""Why a mail was not delivered, and whether that is the address's fault: from the code and the words together.

One place for the replies of a server while a message is sent and for the delivery reports that come later. The codes
are those of RFC 3463 and 5321; the words are what mail servers write, in their languages.
"""

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache

from services.outreach.suppression.rules import failure_words as words

MAX_TEXT = 2_000
"""How much of a server's words is read: the reason stands at the beginning."""

ENHANCED = re.compile(r"(?<![\w.])([245])\.(\d{1,3})\.(\d{1,3})(?![\w.]*\d|@)")
REPLY = re.compile(r"(?<![\w.#:/-])([45]\d\d)(?=[ \-:#;,)'\"\]]|\.(?!\d)|$)", re.M)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a message was not delivered. `severity` None: a refusal that is not about the address (policy, content)."""

    severity: str | None
    code: str
    detail: str


_NOT_NOW = re.compile(
    r"(not found|error|failure)\W{1,4}(please )?try again|temporar|servfail|will be retried|name server reply", re.I
)
_NOT_IN_DIRECTORY = re.compile(r"recipient address rejected: access denied", re.I)
"""How Exchange Online refuses an address that its directory does not have, with 5.4.1."""
_DEAD_CODES = frozenset({(1, 1), (1, 2), (1, 3), (1, 6), (1, 10), (2, 1), (4, 4), (4, 310)})
_DEAD_REPLIES = frozenset({"550", "551", "553", "521", "556"})


_NAMED = re.compile(
    r"https?://([^\s<>\"/]{1,200})[^\s<>\"]{0,500}|<?[^\s<>@\"':;,]{1,200}@[^\s<>@\"':;,]{1,200}>?", re.I
)


_MAYBE = re.compile(
    r"\b(may|might|could|possibly|perhaps|probably)( have| be| no longer| not){1,2} (exist|be valid|been (removed"
    r"|misspelled))\w*"
    r"|可能(不存在|已)|ない可能性|möglicherweise nicht|peut ne pas exister|puede que no exista|возможно|ймовірно",
    re.I,
)
"""What a server only supposes."""


def _general(named: re.Match[str]) -> str:
    """Of a link only the host says something, and an address is only an address, whatever it is called."""
    return f" {named.group(1)} " if named.group(1) else " address "


_REPLY_FOLLOWS = re.compile(r"\b(error|response|reply|answer)\b.{0,40}\b(was|is|returned|said) ?:")


@lru_cache(maxsize=256)
def reason(text: str) -> str:
    """What the words of a server are about: `sender`, `full`, `domain`, `unknown`, `suspended`, `passing`,
    `policy`, `refused` (the recipient, for no reason that is named), or ""."""
    text = _plain(text)
    quoted = _REPLY_FOLLOWS.search(text)
    # What a server says about another's reply is its own opinion; the reply is what counts.
    return (_reason(text[quoted.end() :]) if quoted else "") or _reason(text)


def _plain(text: str) -> str:
    return _MAYBE.sub(" ", " ".join(_NAMED.sub(_general, text[:MAX_TEXT]).lower().split()))


def _reason(text: str) -> str:
    if words.FULL.search(text):
        return "full"
    if words.SENDER.search(text):
        return "sender"
    if words.NO_MAIL.search(text):
        return "domain"
    unknown, policy, passing = _unknown(text), words.POLICY.search(text), words.PASSING.search(text)
    if unknown and not (policy and policy.start() < unknown[0] and policy.end() > unknown[0]):
        return "suspended" if words.SUSPENDED.search(text) else "unknown"
    if words.NO_DOMAIN.search(text) and not policy:
        return "passing" if passing and _NOT_NOW.search(text) else "domain"
    if words.SUSPENDED.search(text):
        return "suspended"
    if policy:
        return "policy"
    if passing:
        return "passing"
    return "refused" if words.REJECTED.search(text) else ""


def _unknown(text: str) -> tuple[int, int] | None:
    """Where a text says that the recipient is unknown."""
    nouns = [hit.span() for hit in words.NOUN.finditer(text)]
    ends = [end for _, end in nouns]
    for gone in words.GONE.finditer(text):
        before = bisect_right(ends, gone.start()) - 1
        if (
            before >= 0
            and gone.start() - ends[before] <= words.BETWEEN
            and not words.STOP.search(text, ends[before], gone.start())
        ):
            return nouns[before][0], gone.end()
    hit = words.UNKNOWN.search(text)
    return hit.span() if hit else None


def mail_failure(code: str, detail: str = "") -> Failure:
    """A failure by its code (an enhanced status of RFC 3463 or an SMTP reply) and the server's words.

    Hard is only what is true of the address for good: unknown, closed, moved, without a mail domain. A full mailbox,
    an expired or delayed message and everything of class 4 is soft. A refusal for policy, reputation, authentication,
    rate, size or content is not about the address. `5.0.0` and a bare reply say nothing, and the words decide.
    """
    hit = ENHANCED.search(code) or ENHANCED.search(detail[:MAX_TEXT])
    written = detail[:MAX_TEXT]
    reply = REPLY.search(code) or REPLY.search(written)
    shown = hit.group(0) if hit else code
    about = reason(written)
    if hit and hit.group(0) == "5.4.1" and _NOT_IN_DIRECTORY.search(_NAMED.sub(" ", written).replace("  ", " ")):
        severity: str | None = "hard"
    elif hit:
        severity = _by_status(hit.group(1), int(hit.group(2)), int(hit.group(3)), about, written)
    elif code[:1] in ("4", "5") or reply:
        severity = _by_reply(
            code[:3] if code[:1] in ("4", "5") else reply.group(1) if reply else "", about, bool(written.strip())
        )
    else:
        severity = _BY_REASON.get(about)
    return Failure(severity, shown, detail)


_BY_REASON = {
    "unknown": "hard",
    "refused": "hard",
    "domain": "hard",
    "full": "soft",
    "passing": "soft",
    "suspended": "soft",
    "": "soft",
}
"""What the words alone lead to; whatever is not in here is not about the address."""


def _by_status(status: str, subject: int, number: int, about: str, written: str) -> str | None:
    if status == "2":
        return None
    if status == "4":
        return None if about in ("policy", "sender") and subject == 7 else "soft"
    if subject in (6, 7):
        unmixed = about in ("unknown", "domain") and not words.POLICY.search(_plain(written))
        return "hard" if unmixed and (subject, number) in ((7, 0), (7, 1)) else None
    if (subject, number) in ((1, 7), (1, 8), (2, 3), (3, 4)):
        return None
    if (subject, number) == (2, 2):
        return "soft"
    if (subject, number) in _DEAD_CODES:
        return {"policy": None, "sender": None, "full": "soft", "suspended": "soft", "passing": "soft"}.get(
            about, "hard"
        )
    if subject == 4 and number in (7, 316):
        return "soft"
    if subject == 1 and not about:
        return "hard"
    return _BY_REASON.get(about)


def _by_reply(code: str, about: str, has_words: bool) -> str | None:
    if code[:1] == "4":
        return None if about in ("policy", "sender") else "soft"
    if code[:1] != "5":
        return _BY_REASON.get(about)
    if code in _DEAD_REPLIES and not has_words:
        return "hard"
    return _BY_REASON.get(about)
