"""Automatic replies, by their headers (RFC 3834, 8098) and by subjects that mail programs write themselves."""

import re
from collections.abc import Mapping
from typing import Literal

Headers = Mapping[str, str]
"""Header names in lower case; of a repeated header the last value."""
Sender = Literal["machine", "perhaps a machine", "a person"]
MACHINE_LABELS = ("auto_reply", "out_of_office", "moved_company")
"""What a machine can say."""


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.I)


_SUBJECT = _any(
    r"^(re: )?(automatic reply|auto(matic)?[- ]?(reply|response|responder)|autoreply|out of (the )?office|ooo\b)",
    r"^(abwesenheit|abwesend|automatische antwort|réponse automatique|absence|respuesta automática|ausente|ausência)",
    r"^(resposta automática|risposta automatica|automatisch antwoord|afwezig)",
    r"^(read|gelesen|lu|leído|lida|letto|gelezen): ",
    r"^\[?(ticket|case|request)\b.{0,10}#?\d|^undeliver|^eingangsbestätigung|^accusé de réception|^ricevuta di",
)
_OF_MACHINES = ("x-autoreply", "x-autorespond", "x-autoreply-from", "x-mail-autoreply")
_LISTS = ("list-id", "list-unsubscribe", "feedback-id")


def sender_of(headers: Headers) -> Sender:
    """Whether a machine sent it.

    Only what says so itself is a machine. Help desks and lists send what persons write with `Precedence: bulk`,
    `X-Auto-Response-Suppress` or `List-Id`: there the text decides, and a human where it is not clear.
    """
    submitted = headers.get("auto-submitted", "").split(";")[0].strip().lower()
    precedence = headers.get("precedence", "").strip().lower()
    content_type = headers.get("content-type", "").lower()
    if (submitted and submitted != "no") or precedence == "auto_reply" or content_type.startswith("multipart/report"):
        return "machine"
    if any(headers.get(name) for name in _OF_MACHINES) or _SUBJECT.search(headers.get("subject", "")[:200]):
        return "machine"
    suppressed = headers.get("x-auto-response-suppress", "").strip()
    bulk = precedence in ("bulk", "junk", "list") or headers.get("return-path", "").strip() == "<>"
    return "perhaps a machine" if bulk or suppressed or any(headers.get(name) for name in _LISTS) else "a person"
