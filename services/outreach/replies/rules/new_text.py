"""The new text of a reply: without quotes, signature, footers and disclaimers.

There are two versions. `newest` ends before the sign-off. `own` also has the text after it, because a P.S. may say
"take me off your list", but no quotes and no boilerplate of the firm.
"""

import re
from dataclasses import dataclass
from html import unescape

_QUOTE = re.compile(r"^\s*(>|&gt;)")
_INTRO_END = re.compile(
    r"(wrote|schrieb\b.*|a écrit|ha scritto|escribió|escreveu|schreef\b.*|het volgende geschreven)\s*:\s*$", re.I
)
_INTRO_START = re.compile(r"^\s*(on|am|le|el|em|il|op)\b.{5,}", re.I)
_CUT = re.compile(
    r"^\s*("
    r"-{3,}\s*(original message|original-nachricht|ursprüngliche nachricht|message d'origine|mensaje original"
    r"|mensagem original|messaggio originale|oorspronkelijk bericht|forwarded message|weitergeleitete nachricht"
    r"|your message)\s*-{3,}"
    r"|begin forwarded message:"
    r"|_{10,}\s*$"
    r")",
    re.I,
)
_HEADER = re.compile(r"^\s*(from|von|de|da|van|von / from)\s*:\s*\S", re.I)
_HEADER_NEXT = re.compile(
    r"^\s*(sent|date|to|subject|gesendet|datum|an|betreff|envoyé|date|à|objet|enviado|enviada em|fecha|para|asunto"
    r"|assunto|inviato|data|a|oggetto|verzonden|aan|onderwerp)\s*:",
    re.I,
)
_FOOTER = re.compile(
    r"^\s*(<div>)?\s*("
    r"sent (from|with|via) (my|the)|sent from |get outlook for|von meinem .{2,30} gesendet|gesendet (mit|von)"
    r"|envoyé (depuis|de) |enviado (desde|do|de|a partir)|inviato da |verstuurd (vanaf|met|via)|verzonden (vanaf|met)"
    r"|--\s*$|\*{10,}|={10,}|-{10,}"
    r")",
    re.I,
)
_BOILERPLATE = re.compile(
    r"confidential|intended (solely|recipient)|privileged|received (it|this( (e-?mail|message))?) in error"
    r"|vertraulich|nicht der richtige adressat|confidentiel|par erreur|confidencial|riservat|vertrouwelijk"
    r"|(before|avant) (printing|d'imprimer)|authorised and regulated"
    r"|unsubscribe\s*(from|:|\||at\b|here|https?:)|(^|\|)\s*unsubscribe|to unsubscribe|to opt out of|to stop receiving"
    r"|no longer wish(es)? to receive|don't want our|reply (\w+ )?(stop|remove|unsubscribe|off)\b.{0,30}\b(opt out"
    r"|taken off|off)\b"
    r"|newsletter abbestellen|abmelden:|se désabonner\s*:|désinscription\s*:|não deseja mais receber"
    r"|per non ricevere|darse de baja:|you get this mail because|report it at https?:|preferences"
    r"|(e-?mail|message|mail) was sent by|msg&data rates|(ki|ai)[- ]?(systeme|system|assistant)",
    re.I,
)
_SIGN_OFF = re.compile(
    r"^\s*((with |mit |met |con |avec |best |kind |warm(est)? |many |yours |hartelijke |viele |schönen? |liebe |beste "
    r"|freundliche[mnr]? |herzliche[mnr]? |gesegnete |frohe |bien |com os |melhores |atentos |un |all the |much "
    r"|cordiali )*"
    r"(regards|wishes|thanks|thx|tx|cheers|sincerely|faithfully|truly|best|love|grüßen|grüße|gruß|gruss|grüsse|mfg|lg"
    r"|vg"
    r"|groeten?|groet|mvg|cordialement|cordialmente|cdlt|cdt|à vous|bises|salutations|saludos?|atentamente"
    r"|atenciosamente|att"
    r"|cumprimentos|abs|abraços?|obrigad[oa]|saluti|gracias|feiertage|festtage|vriendelijke groet|merci|xx?)"
    r"(?![\w'])[^.?!]{0,40})[.,!]*\s*$",
    re.I,
)
_PS = re.compile(r"^\s*p\.?\s?s\.?\b", re.I)
_NAME_LINE = re.compile(r"^[^.?!]{1,60}$")
_ABBREVIATION = re.compile(r"\b(\w|[A-Z][a-z]{1,4}|Dipl|Coop|S\.p\.A|i\. ?[VA])\.(?=[ -]|$)")


@dataclass(frozen=True, slots=True)
class NewText:
    """`newest`: up to the sign-off. `own`: everything that the writer wrote, with a P.S. Both without quotes."""

    newest: str
    own: str


def extract(body: str) -> NewText:
    """The new text in a body of plain text (which may hold stray HTML or encoding debris)."""
    lines = _without_quotes(body.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
    lines = _without_footer(lines)
    newest = _without_signature(lines)
    first = next((line for line in lines if line.strip()), "")
    own = [line for line in lines if line is first or not _BOILERPLATE.search(line)]
    return NewText(_join(newest), plain("\n".join(own)).strip())


def storable(text: str) -> str:
    """Text that can be stored: without NUL, and with `?` for halves of characters."""
    return text.replace("\0", "").encode(errors="replace").decode()


def plain(text: str) -> str:
    """Text without HTML entities, tags and quoted-printable debris."""
    if re.search(r"=[0-9A-F]{2}|=\n", text):
        text = _unquote(text)
    if re.search(r"&[a-z]+;|&#\d+;|<[a-z!/]", text, re.I):
        text = unescape(re.sub(r"<!--.*?-->|<[^>]{1,200}>", " ", text, flags=re.S))
    return storable(text).replace("\u00a0", " ").replace("’", "'").replace("‘", "'")


def _unquote(text: str) -> str:
    raw = re.sub(r"=\n", "", text)
    data = re.sub(
        rb"=([0-9A-F]{2})", lambda hit: bytes([int(hit.group(1), 16)]), raw.encode("utf-8", "surrogateescape")
    )
    try:
        return data.decode()
    except UnicodeDecodeError:
        return text


def _without_quotes(lines: list[str]) -> list[str]:
    kept: list[str] = []
    index = 0
    while index < len(lines):
        line = lines[index]
        if _QUOTE.match(line):
            index += 1
            continue
        length = _intro(lines, index)
        if length:
            following = next((later for later in lines[index + length :] if later.strip()), "")
            if not _QUOTE.match(following):
                break
            index += length
            continue
        if _CUT.match(line) and any(part.strip() for part in kept):
            break
        if _HEADER.match(line) and any(_HEADER_NEXT.match(later) for later in lines[index + 1 : index + 4]):
            break
        kept.append(line)
        index += 1
    return kept


def _intro(lines: list[str], index: int) -> int:
    """How many lines, from here, are the introduction of a quote ("On ... wrote:", often folded); 0 for none."""
    if not _INTRO_START.match(lines[index]) and not _INTRO_END.search(lines[index]):
        return 0
    for length in (1, 2, 3):
        text = " ".join(lines[index : index + length])
        if _INTRO_END.search(text) and len(text) < 300 and re.search(r"\d|@|<", text):
            return length
    return 0


def _without_footer(lines: list[str]) -> list[str]:
    """Without "Sent from my phone" and everything after a signature delimiter, except a P.S."""
    for index, line in enumerate(lines):
        if _FOOTER.match(line) and any(part.strip() for part in lines[:index]):
            below = lines[index + 1 :]
            start = next((i for i, part in enumerate(below) if _PS.match(part)), None)
            return lines[:index] + ([] if start is None else below[start:])
    return lines


def _without_signature(lines: list[str]) -> list[str]:
    first = next((i for i, line in enumerate(lines) if line.strip()), len(lines))
    end = len(lines)
    for index in range(first + 1, len(lines)):
        if _SIGN_OFF.match(lines[index]) or _PS.match(lines[index]):
            end = index
            break
    body = lines[first:end]
    kept = [
        line
        for line in body
        if (not (_BOILERPLATE.search(line) and line is not body[0]) and plain(line).strip()) or not line
    ]
    return _without_name_block(kept) if end == len(lines) or _PS.match(lines[end]) else kept


def _without_name_block(lines: list[str]) -> list[str]:
    """Drop a last paragraph of short lines without a full stop: a name, a title, a firm, a phone number."""
    while lines and not lines[-1].strip():
        lines = lines[:-1]
    start = len(lines)
    while start > 0 and lines[start - 1].strip():
        start -= 1
    block = lines[start:]
    if start == 0 or not block or len(block) > 6:
        return lines
    looks = all(_looks_like_a_name(_ABBREVIATION.sub("", plain(line)).strip() or "X") for line in block)
    return _without_name_block(lines[:start]) if looks else lines


def _looks_like_a_name(line: str) -> bool:
    return bool(_NAME_LINE.match(line)) and (line[0].isupper() or line[0] in "(+0[,") and len(line.split()) <= 9


def _join(lines: list[str]) -> str:
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in lines)).strip()
