"""Where a reply comes from: a machine (RFC 3834, 8098), a mailing list (RFC 2369, 2919), or a person who answers us."""

import re
from collections.abc import Mapping
from functools import partial
from typing import Literal

from services.outreach.replies.rules.concepts import any_of

Headers = Mapping[str, str]
"""Header names in lower case; of a repeated header the last value."""
Source = Literal["an answer", "a mail", "software", "a list"]
"""What a mail is that no machine wrote: an answer to ours, a mail that may be about anything, what a help desk or other
software sent for a person, or the post of a mailing list."""
MACHINE_LABELS = ("auto_reply", "out_of_office", "moved_company")
"""What a machine can say."""


_any = partial(any_of, flags=re.I)
_SUBJECT = _any(
    r"^(re: )?(automatic reply|auto(matic)?[- ]?(reply|response|responder)|autoreply|out of (the )?office|ooo\b)",
    r"^(abwesenheit|abwesend|automatische antwort|réponse automatique|absence|respuesta automática|ausente|ausência)",
    r"^(resposta automática|risposta automatica|automatisch antwoord|afwezig)",
    r"^(read|gelesen|lu|leído|lida|letto|gelezen): ",
    r"^undeliver|^eingangsbestätigung|^accusé de réception|^ricevuta di|^ontvangstbevestiging|^acuse de recibo"
    r"|^confirmação de rece",
)
_TICKET = re.compile(
    r"^\W{0,4}(?:(?:support|service|help)[- ]?)?(?:ticket|case|request|incident|vorgang|anfrage|demande|solicitud"
    r"|incidencia"
    r"|pedido|chamado|protocolo|richiesta|pratica|verzoek|melding|zaak)\b[ -]{0,2}"
    r"(?:(?:nr|no|n|num|number|numero|número|nummer|id|ref)\b)?[.\s:#°º-]{0,4}(?:[a-z]{1,6}-?)?\d{2,}",
    re.I,
)
"""A help desk's subject: what stands in it may be a machine's or a person's."""
_RECEIVED = _any(
    r"\b(?:received|created|opened|registered|logged|acknowledged|eingegangen|erhalten|erstellt|eröffnet|angelegt|reçue?"
    r"|créée?|enregistrée?|ouverte?|recibid[oa]|cread[oa]|registrad[oa]|abiert[oa]|recebid[oa]|criad[oa]|abert[oa]"
    r"|ricevut[oa]|creat[oa]|apert[oa]|registrat[oa]|ontvangen|aangemaakt|geregistreerd)\b"
)
_OF_MACHINES = ("x-autoreply", "x-autorespond", "x-autoreply-from", "x-mail-autoreply")
_LISTS = ("list-id", "list-post", "list-unsubscribe", "list-archive", "mailing-list", "x-mailing-list", "x-beenthere")
_OUR_ID = re.compile(r"\b[a-z2-7]{26}@")
"""A Message-ID of ours begins so (`services/outreach/keys.py`)."""
_ANSWERED = re.compile(
    r"^\s{0,5}(\[?ext(ern\w{0,3})?\]?:?\s{0,5})?"
    r"(re|aw|antw|sv|vs|r|ris|rv|res|odp|fw|fwd|wg|tr|i|enc|vb|doorst)\s?(\[\d{1,3}\])?\s?:",
    re.I,
)
_LIST_TAG = re.compile(r"^\s{0,5}(?:(?:re|aw|sv|r|fwd?)\s?:\s{0,5}){0,3}\[(?!ext|spam|secure)[^\[\]]{2,30}\]", re.I)
"""Lists put their name in brackets before the subject; mail gateways put their warnings there."""


def is_automatic(headers: Headers) -> bool:
    """Whether a machine wrote it. Only what says so itself is a machine's."""
    submitted = headers.get("auto-submitted", "").split(";")[0].strip().lower()
    content_type = headers.get("content-type", "").lower()
    if (submitted and submitted != "no") or _precedence(headers) == "auto_reply":
        return True
    if content_type.startswith("multipart/report") or any(headers.get(name) for name in _OF_MACHINES):
        return True
    subject = headers.get("subject", "")[:200]
    return bool(_SUBJECT.search(subject) or (_TICKET.search(subject) and _RECEIVED.search(subject)))


def source_of(channel: str, headers: Headers) -> Source:
    """Where a reply comes from that no machine wrote.

    Help desks send what persons write with `Precedence: bulk` or `X-Auto-Response-Suppress`, and a firm may read its
    mail through a list: what refers to a mail of ours answers it, whatever software passed it on.
    """
    references = f"{headers.get('in-reply-to', '')} {headers.get('references', '')}"[-5_000:].lower()
    if channel != "email" or _OUR_ID.search(references):
        return "an answer"
    if _precedence(headers) == "list" or any(headers.get(name) for name in _LISTS):
        return "a list"
    suppressed = headers.get("x-auto-response-suppress", "").strip() or headers.get("feedback-id")
    empty = headers.get("return-path", "").strip() == "<>"
    subject = headers.get("subject", "")[:200]
    if _precedence(headers) in ("bulk", "junk") or suppressed or empty:
        return "software"
    if _LIST_TAG.search(subject) or _TICKET.search(subject):
        return "software"
    return "an answer" if not subject.strip() or is_an_answer(subject) else "a mail"


def is_an_answer(subject: str) -> bool:
    """Whether a subject begins as mail programs let an answer begin: "Re:", "AW:"."""
    return bool(_ANSWERED.search(subject[:200]))


def _precedence(headers: Headers) -> str:
    return headers.get("precedence", "").strip().lower()
