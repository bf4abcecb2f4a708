"""The new text of a reply: without quotes, signature, footers and disclaimers.

There are two versions. `newest` ends before the sign-off. `own` also has the text after it, because a P.S. may say
"take me off your list", but no quotes and no boilerplate of the firm.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import unescape

from services.outreach.replies.rules import (
    boilerplate,
    gateway_banners,
    line_wraps,
    opt_outs,
    quote_headers,
    sealed_mail,
    signatures,
)

_QUOTE = re.compile(r"^\s{0,20}(?:[A-Z]{0,4}>|&gt;)")
_GREETING = re.compile(
    r"^\s{0,8}(hi|hello|hey|dear|hallo|guten|moin|servus|liebe[rs]?|sehr|bonjour|bonsoir|salut|ch[eè]re?|madame"
    r"|monsieur"
    r"|hola|buenos|buenas|estimad[oa]s?|querid[oa]s?|olá|ola|bom|boa|car[oa]s?|prezad[oa]s?|ciao|buongiorno"
    r"|gentile|egregio"
    r"|beste|geachte|dag|hoi)\b[^.?!]{0,60}[,.!:]{0,2}\s{0,8}$",
    re.I,
)
_SENTENCE_ENDS = (".", "!", "…", "。")
_ASKS = ("?", ":", "？", "：")
_MOST_LINES = 500
"""Lines of the writer that are looked at one by one; beyond them only the quote marks are read. No letter has more."""
_MOST_READ = 20_000
"""Lines that are read at all, with quotes."""
_MOST_BLOCKS = 8
"""Paragraphs at the end that may be a signature."""
_MOST_TRIES = 80
"""Lines that may start the header of a quote. A mail with more of them is no letter."""
_MOST_OWN = 10_000
"""Characters of `own`. Nobody answers a sales mail with more words; of more, both ends count."""
_LONG_LINE = 1_000
_NEAR = 12
"""Lines below a closing that are looked at."""
_WRAPPED = 60
"""A quoted line this long may go on, without its mark, on the next line."""


@dataclass(frozen=True, slots=True)
class NewText:
    """`newest`: up to the sign-off. `own`: everything that the writer wrote, with a P.S. Both without quotes."""

    newest: str
    own: str


def extract(body: str) -> NewText:
    """The new text in a body of plain text (which may hold stray HTML or encoding debris)."""
    body = body.replace("\r\n", "\n").replace("\r", "\n")
    lines = re.sub(r"\n{4,}", "\n\n\n", body).split("\n", _MOST_READ)[:_MOST_READ]
    lines = gateway_banners.without_banner(sealed_mail.without_armour(lines))
    reply = _without_quotes(lines)
    if not reply.lines and not reply.introduced:
        reply = _Reply(lines, introduced=False)  # a client that marked everything: there is no other text
    head, rest = reply.lines[:_MOST_LINES], reply.lines[_MOST_LINES:]
    letter, below = _divided(head)
    newest = _without_signature(letter, below, quoted=reply.introduced)
    own = [*_without_boilerplate(letter), "", *signatures.written_below(below)]
    return NewText(_join([*newest, *rest]), plain(_ends("\n".join([*own, *rest]).strip())).strip())


def is_empty(read: NewText) -> bool:
    """Whether a mail has no words but thanks, a name, and what telephones, mail programs and firms put below it."""
    lines = filter(None, map(str.strip, read.own.split("\n")))
    return all(signatures.stands_below(line) or opt_outs.is_polite(line) for line in lines)


def _ends(text: str) -> str:
    """A text whose words can all be looked at: of a longer one the beginning and the end."""
    return text if len(text) <= _MOST_OWN else f"{text[: _MOST_OWN * 4 // 5]}\n{text[-_MOST_OWN // 5 :]}"


def storable(text: str) -> str:
    """Text that can be stored: without NUL, and with `?` for halves of characters."""
    return text.replace("\0", "").encode(errors="replace").decode()


def plain(text: str) -> str:
    """Text without HTML entities, tags and quoted-printable debris."""
    if re.search(r"=[0-9A-F]{2}|=\n", text):
        text = _unquote(text)
    if re.search(r"&[a-z]{1,30};|&#\d{1,7};|<[a-z!/]", text, re.I):
        text = unescape(re.sub(r"<[^<>]{1,200}>", " ", _without_comments(text)))
    return storable(text).replace("\u00a0", " ").replace("’", "'").replace("‘", "'")


def _without_comments(text: str) -> str:
    """Text without HTML comments. By hand: a pattern would look for the end of each one that is never closed."""
    parts, at = [], 0
    while (start := text.find("<!--", at)) >= 0 and (end := text.find("-->", start)) >= 0:
        parts += [text[at:start], " "]
        at = end + len("-->")
    return "".join([*parts, text[at:]])


def _unquote(text: str) -> str:
    raw = re.sub(r"=\n", "", text)
    data = re.sub(
        rb"=([0-9A-F]{2})", lambda hit: bytes([int(hit.group(1), 16)]), raw.encode("utf-8", "surrogateescape")
    )
    try:
        return data.decode()
    except UnicodeDecodeError:
        return text


@dataclass(frozen=True, slots=True)
class _Reply:
    """Lines of the writer, and whether a mail program introduced what it quotes."""

    lines: list[str]
    introduced: bool


def _without_quotes(lines: list[str]) -> _Reply:
    """The lines that no `>` marks, up to the header of a quote that has no marks."""
    kept: list[str] = []
    introduced, index, tries = False, 0, 0
    while index < len(lines):
        line = lines[index]
        if not line.strip():
            kept.append(line)
            index += 1
            continue
        if _QUOTE.match(line):
            if length := quote_headers.marked_introduction(lines, index):
                introduced = True
                if not _quote_follows(lines, index + length):
                    break
                index += length
                continue
            if not introduced and (index == 0 or not _QUOTE.match(lines[index - 1])):
                introduced = tries < _MOST_TRIES and _names_its_source(lines, index)
                tries += 1
            index = _after_quote(lines, index)
            continue
        if len(kept) < _MOST_LINES and tries < _MOST_TRIES and quote_headers.may_start(line):
            tries += 1
            if own := quote_headers.own_words_before(line):
                kept.append(own)
                introduced = True
                if not _quote_follows(lines, index + 1):
                    break
                index += 1
                continue
            length, sure = quote_headers.introduction(lines, index)
            if length and _quote_follows(lines, index + length):
                introduced = True
                index += length
                continue
            if (length and sure) or quote_headers.header_block(lines, index):
                introduced = True
                break
            if _has_text(kept) and quote_headers.calendar_block(lines, index):
                break
            if quote_headers.is_separator(line):
                if _has_text(kept):
                    introduced = True
                    break
                index += 1
                continue
            if quote_headers.REPLY_ABOVE.search(line[:200]):
                if _has_text(kept):
                    introduced = True
                    break
                index += 1
                continue
        kept.append(line)
        index += 1
    return _Reply(kept if _has_text(kept) else [], introduced)


def _has_text(lines: Sequence[str]) -> bool:
    return any(line.strip() and not signatures.is_only_marks(line) for line in lines[:_MOST_LINES])


def _quote_follows(lines: Sequence[str], index: int) -> bool:
    following = next((line for line in lines[index : index + 10] if line.strip()), "")
    return bool(_QUOTE.match(following))


def _quote_is_next(lines: Sequence[str], index: int) -> bool:
    return index < len(lines) and bool(_QUOTE.match(lines[index]))


def _names_its_source(lines: Sequence[str], index: int) -> bool:
    """Whether the first line of a quote, or of a forwarded mail within, says whose words these are."""
    unmarked = [line.strip()[1:].strip() for line in lines[index : index + 6]]
    if not quote_headers.may_start(unmarked[0]):
        return False
    return quote_headers.introduction(unmarked, 0)[0] > 0 or quote_headers.header_block(unmarked, 0)


def _after_quote(lines: Sequence[str], index: int) -> int:
    """The first line behind a quoted line and what a client broke off it without a mark."""
    while len(lines[index]) < _WRAPPED:
        index += 1
        if index == len(lines) or not (lines[index][:1] == ">" or _QUOTE.match(lines[index])):
            return index
    after = index + 1
    line = lines[index].rstrip()
    if len(line) < _WRAPPED or line.endswith(_ASKS):
        return after
    closed = line.endswith(_SENTENCE_ENDS)
    for end in range(after, min(after + 2, len(lines))):
        if not lines[end].strip() or _QUOTE.match(lines[end]):
            break
        goes_on, inside = lines[end].lstrip()[0].islower(), _quote_is_next(lines, end + 1)
        if (goes_on and inside) or (not closed and (goes_on or inside)):
            return end + 1
    return after


def _divided(lines: list[str]) -> tuple[list[str], list[str]]:
    """(The letter, what is below it): from the sign-off on, a footer or a P.S., whatever comes first."""
    first = next((index for index, line in enumerate(lines) if line.strip()), len(lines))
    footer = next((at for at in range(first + 1, len(lines)) if signatures.is_footer(lines[at])), len(lines))
    above = lines[:footer]
    end = next((at for at in range(first + 1, footer) if _closes(above, at)), footer)
    return lines[first:end], lines[end:]


def _without_boilerplate(letter: list[str]) -> list[str]:
    """The lines of a letter without what a firm puts below every mail. The first line is the writer's own."""
    kept: list[str] = []
    after_some = False
    for group in line_wraps.joined(letter):
        text = " ".join(group)
        weight = boilerplate.weight_of(text) if kept and text.strip() else 0
        after_some = bool(weight) and (boilerplate.is_boilerplate(text) or (after_some and "?" not in text))
        if not after_some:
            kept += group
    return kept


def _without_signature(letter: list[str], below: list[str], quoted: bool) -> list[str]:
    """The letter without the block of names at its end, where no sign-off is above it."""
    kept = [
        line
        for index, line in enumerate(_without_boilerplate(letter))
        if not line or index == 0 or not line.strip() or plain(line[:_LONG_LINE]).strip()
    ]
    if not below or signatures.is_footer(below[0]) or signatures.is_postscript(below[0]):
        kept = _without_names(kept, quoted)
    while kept and (not kept[-1].strip() or signatures.is_only_marks(kept[-1])):
        kept.pop()
    return kept


def _closes(lines: Sequence[str], index: int) -> bool:
    """Whether a letter ends before this line. What follows a mere greeting may thank first and close later."""
    line = lines[index]
    if signatures.is_postscript(line):
        return True
    light = signatures.is_light_closing(line)
    if not light and not signatures.is_sign_off(line):
        return False
    below = [each for each in lines[index + 1 : index + _NEAR] if each.strip()]
    if light and signatures.looks_like_prose(below):
        return False
    if all(_GREETING.match(each) for each in lines[:index] if each.strip()):
        return not light and not any(map(signatures.is_sign_off, below)) and all(map(_is_below_a_letter, below))
    return not light or not _closes_later(below)


def _is_below_a_letter(line: str) -> bool:
    return signatures.is_name(line) or signatures.is_light_closing(line) or boilerplate.is_boilerplate(line)


def _closes_later(below: Sequence[str]) -> bool:
    """Whether a sentence and then a sign-off follow."""
    end = next((at for at, line in enumerate(below) if signatures.is_sign_off(line)), 0)
    return not all(map(_is_below_a_letter, below[:end]))


def _without_names(lines: list[str], quoted: bool) -> list[str]:
    """Without the last paragraphs that are a name, a title, a firm or a phone number, and the notes below them."""
    lines = list(lines)
    start, block = 0, [""]
    for _ in range(_MOST_BLOCKS):
        while lines and not lines[-1].strip():
            lines.pop()
        start = len(lines)
        while start > 0 and lines[start - 1].strip():
            start -= 1
        block = [
            text for line in lines[start:][:8] if (text := signatures.without_images(plain(line[:_LONG_LINE])).strip())
        ]
        if start == 0 or len(lines) - start > 6 or not _is_signature(block):
            break
        if all(_GREETING.match(line) or not line.strip() for line in lines[:start]):
            return lines
        del lines[start:]
    if quoted and start == 0 and len(block) > 2 and all(map(signatures.is_proper_name, block)):
        return []  # a reply of nothing but a signature above the quote
    if lines:
        lines[-1] = signatures.without_carrier_notes(lines[-1])
        if name := signatures.trailing_name(lines[-1]):
            lines[-1] = lines[-1].rstrip().removesuffix(name)
    return lines


def _is_signature(block: Sequence[str]) -> bool:
    """Whether a paragraph is a signature: a name, or a short farewell and a name; titles and notes may follow."""
    if not block:
        return True  # nothing but images
    farewell = len(block) > 1 and block[0].endswith((",", "!")) and len(block[0].split()) <= 5
    return signatures.is_proper_name(block[1] if farewell else block[0])


def _join(lines: list[str]) -> str:
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in lines)).strip()
