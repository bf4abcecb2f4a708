"""Where a quote starts that a mail client introduced: "On ... wrote:", "Von: ... Gesendet: ...", "--Your message--".

Lines are judged one by one and cut to a bounded length, so that no text is slow.
"""

import re
from collections.abc import Mapping, Sequence

from services.outreach.replies.rules.quote_words import FIELDS, FORWARDED, OPENINGS, SEPARATORS, WROTE

REPLY_ABOVE = re.compile(
    r"\b(reply|answer|response|antwort\w*|répon\w+|respuesta|respond\w*|resposta|antwoord\w*|rispo\w+)\b.{0,40}"
    r"\b(above|over|oberhalb|über|au-dessus|encima|acima|boven|sopra)\b.{0,20}"
    r"\b(line|linie|zeile|ligne|línea|linha|lijn|regel|riga|linea)\b",
    re.I,
)
"""The line of a help desk above which its reader is to answer."""


def _forms(words: Mapping[str, str]) -> frozenset[str]:
    return frozenset(form.strip() for forms in words.values() for form in forms.split("|"))


def _one_of(forms: frozenset[str]) -> str:
    return "|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True))


_IGNORED: dict[int, str | None] = {
    ord(char): None for char in "\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067"
}
_IGNORED |= {ord(char): None for char in "\u2068\u2069\ufeff\u00ad"} | {0x00A0: " ", 0x202F: " ", 0x3000: " "}
_FIELD_OF = {form: field for field, words in FIELDS.items() for form in _forms(words)}
_SEPARATOR, _FORWARDED = _forms(SEPARATORS), _forms(FORWARDED)
_WHEN = ("when:", "wann:", "quand :", "quand:", "cuándo:", "quando:", "wanneer:", "när:", "hvornår:", "kiedy:")
_WHERE = ("where:", "wo:", "où :", "où:", "dónde:", "onde:", "dove:", "waar:", "var:", "hvor:", "gdzie:")
_DECORATION = " \t-_*=>|~<#+—–:："
_LONGEST, _MOST_LINES = 400, 5
_NO_LETTER_BESIDE = r"(?<![^\W\d_])(?:{})(?![^\W\d_])"
_VERB = re.compile(
    _NO_LETTER_BESIDE.format(_one_of(_forms(WROTE) - {"于"})) + "|写道|寫道|のメッセージ|のメール|書きました|작성", re.I
)
_OPENING = re.compile(rf"(?:{_one_of(_forms(OPENINGS) - {'在', '于'})})(?![^\W\d_])|在|于|ב", re.I)
_ADDRESS = re.compile(r"[^\s<>()\[\]@\"]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){0,8}|\[(?:email|mailto)\b")
_CLOCK = re.compile(r"\b\d{1,2} ?[:.h] ?\d\d\b|\b\d{1,2} (?:uhr|h|am|pm)\b|(?:上午|下午|午前|午後|오전|오후)", re.I)
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_DATE = re.compile(r"\d{1,4} ?[./-] ?\d{1,2} ?[./-] ?\d{1,4}|\d{1,4} ?[年月日년월일]")
_WEEKDAY_START = re.compile(r"[^\W\d_]{2,12}\.?,? {1,3}\d|[^\W\d_]{2,12}, [^\W\d_]{3,12}\.? \d")
_WITHIN = re.compile(r"(?:^|[\s.!?\-])(?=(?:on|am|le|el|em|op|il|den) [^\n]{0,20}\d)", re.I)
_CLOCK_END = re.compile(r"\d ?[:.h] ?\d\d(?:[:.]\d\d)?$|\b\d{1,2}$")
_SENTENCE_ENDS = frozenset(".!?…")
_ENDS = re.compile(r"[:：]\s{0,3}$")
_NAME_AND_TIME = re.compile(
    r".{1,80}[(<][^\s()<>]{1,64}@[\w.-]{1,80}[)>] \[?\d{4}-\d\d-\d\d[ T]\d\d?:\d\d[\w:+ -]{0,12}\]?"
)
_MARKED = re.compile(r"\s{0,8}>>> ?(?=[^\s>])")
_BETWEEN_MARKS = re.compile(r"[^>\n]{0,80}<?[^\s<>]{1,64}@[\w.-]{1,80}>? [^>\n]{0,20}\d[^>\n]{0,40}>>>\s*")
"""What GroupWise writes above a quote that it does not mark: ">>> Ann Lee <ann@mail.example> 3/9/2026 10:12 AM >>>"."""
_POSTED_BY = re.compile(r"posted by .{1,80} on \d", re.I)


def visible(line: str) -> str:
    """The start of a line without marks that nobody sees, and with plain spaces."""
    return line[:_LONGEST].translate(_IGNORED)


def may_start(line: str) -> bool:
    """Whether a closer look at a line is worth while; most lines of a letter need none."""
    text = visible(line).strip()
    return (
        text[:2] in ("--", "__", "==", "##", "*-")
        or "@" in text
        or text[-1:] in ":：<("
        or bool(_VERB.search(text[-60:]))
        or field_of(text) is not None
        or _starts_with_date(text)
        or text.strip(_DECORATION).lower() in _FORWARDED
        or text.lower().startswith(_WHEN)
        or bool(REPLY_ABOVE.search(text[:200]))
    )


def introduction(lines: Sequence[str], index: int) -> tuple[int, bool]:
    """(How many lines from here introduce a quote, whether that is sure even where no `>` follows); (0, False): none.

    An introduction is often folded. It starts with a date, or with a word before one, or it has an address.
    """
    first = visible(lines[index]).strip(_DECORATION)
    dated = _starts_with_date(first)
    if not first or not (dated or _may_end(first) or "@" in first or first.endswith(("<", "("))):
        return 0, False
    if _is_quote(lines[index]):
        return 0, False
    text, used = "", 0
    for length in range(1, _MOST_LINES + 3):
        if index + length > len(lines) or used == _MOST_LINES:
            break
        raw = visible(lines[index + length - 1])
        part = raw.strip()
        if not part:
            if _goes_on(lines, index + length):
                continue
            break
        if length > 1 and ((_is_quote(raw) and len(part) > 60) or (_starts_with_date(part) and _sure(part))):
            break
        used += 1
        text = f"{text} {part}".strip()
        if len(text) > _LONGEST or (length > 2 and not dated):
            break
        if _is_introduction(text, dated):
            below = next((visible(line).strip() for line in lines[index + length : index + length + 1]), "")
            if not _VERB.search(text) and _VERB.search(below[:40]) and _ENDS.search(below):
                continue  # the verb was folded onto a line of its own
            return length, _sure(text) or _is_dashed(text)
        if not dated and "@" not in first and not first.endswith(("<", "(")):
            break
    return 0, False


def marked_introduction(lines: Sequence[str], index: int) -> int:
    """How many lines from here introduce a quote as GroupWise does, behind three marks; 0: none."""
    if index and _is_quote(lines[index - 1]):
        return 0
    first = visible(lines[index])
    marks = _MARKED.match(first)
    if not marks:
        return 0
    if _BETWEEN_MARKS.fullmatch(first, marks.end()):
        return 1
    length, sure = introduction([first[marks.end() :], *lines[index + 1 : index + _MOST_LINES]], 0)
    return length if sure else 0


def own_words_before(line: str) -> str | None:
    """What the writer wrote on the line on which a quote is introduced ("Yes. On Mon, 3 Feb, Ann wrote:"), or None."""
    text = visible(line)
    if not _may_end(text) and "@" not in text:
        return None
    dated = _starts_with_date(text)
    for hit in reversed(list(_WITHIN.finditer(text))):
        rest, before = text[hit.end() :].strip(), text[: hit.end()].rstrip()
        of_a_clock = rest[:2].lower() == "am" and _CLOCK_END.search(before[-20:])
        if of_a_clock or (dated and before[-1:] not in _SENTENCE_ENDS):
            continue  # "9:00 AM", or another word of an introduction that has begun
        if hit.end() and _ENDS.search(rest) and _VERB.search(rest) and _sure(rest):
            return text[: hit.start() + 1].rstrip(" -")
    return None


def is_separator(line: str) -> bool:
    """Whether a line is "-----Original Message-----" or the like, in any language."""
    text = visible(line)
    if len(text) > 160:
        return False
    bare = text.strip(_DECORATION).lower().replace("’", "'")
    if bare in _FORWARDED:
        return True
    marks = text.strip(" \t>*")[:2]
    known = bare in _SEPARATOR or bare.startswith(("forwarded by ", "weitergeleitet von ", "réacheminé par "))
    return known and marks in ("--", "__", "==", "—-", "——", "##")


def header_block(lines: Sequence[str], index: int) -> bool:
    """Whether the fields of a quoted mail start here: "From: ... Sent: ... Subject: ...", also bold, folded, spaced."""
    if field_of(lines[index]) is None:
        return False
    fields: dict[str, str] = {}
    between = 0
    for number, line in enumerate(lines[index : index + 14]):
        named = field_of(line)
        if named:
            fields.setdefault(*named)
            between = 0
        elif line.strip():
            between += 1
            if fields:
                last = next(reversed(fields))
                fields[last] += " " + visible(line)
        elif number and between:
            break
        if between > 2:
            break
    address = any("@" in value for value in fields.values())
    if len(fields) < 2 or not ({"from", "sent", "date"} & fields.keys()):
        return False
    if "from" not in fields:
        return address  # a read receipt names the subject and the time of our mail, and no sender
    dated = "sent" in fields or (
        "date" in fields and bool(_CLOCK.search(fields["date"]) or _YEAR.search(fields["date"]))
    )
    return address or "subject" in fields or dated


def calendar_block(lines: Sequence[str], index: int) -> bool:
    """Whether a calendar printed its invitation here: a line that says when, then one that says where."""
    following = [line.strip().lower() for line in lines[index : index + 4] if line.strip()]
    return (
        len(following) > 1 and following[0].startswith(_WHEN) and any(line.startswith(_WHERE) for line in following[1:])
    )


def field_of(line: str) -> tuple[str, str] | None:
    """(The field, its value) of a line like "*Gesendet:* Montag", or None."""
    text = line[:300].translate(_IGNORED).lstrip(" \t>*|_")
    end = next((at for at, char in enumerate(text[:32]) if char in ":："), -1)
    if end < 1:
        return None
    field = _FIELD_OF.get(text[:end].strip(" *_\t").lower())
    value = text[end + 1 :].strip(" *_\t")
    return (field, value) if field else None


def _is_quote(line: str) -> bool:
    return line.lstrip()[:1] == ">"


def _may_end(text: str) -> bool:
    return bool(_ENDS.search(text)) or bool(_VERB.search(text[-60:]))


def _goes_on(lines: Sequence[str], index: int) -> bool:
    """Whether the next line with text is the address of an introduction that a client folded with empty lines."""
    following = next((line.strip() for line in lines[index : index + 3] if line.strip()), "")
    return following.startswith(("<", "mailto:"))


def _starts_with_date(text: str) -> bool:
    text = text.strip(_DECORATION)
    opening = _OPENING.match(text)
    if opening and re.search(r"\d", text[opening.end() : opening.end() + 40]):
        return True
    return bool(_DATE.match(text) or _CLOCK.match(text) or _WEEKDAY_START.match(text) or re.match(r"\d{1,4}[ .]", text))


def _sure(text: str) -> bool:
    """Whether an introduction names an address or a moment, and so cannot be a sentence of the writer."""
    if _ADDRESS.search(text):
        return True
    return bool(_CLOCK.search(text)) or bool(_YEAR.search(text) and len(re.findall(r"\d+", text)) > 1)


def _is_introduction(text: str, dated: bool) -> bool:
    dashed = _is_dashed(text)
    bare = text.strip(_DECORATION)
    verb = _VERB.search(bare)
    if verb:
        at_end = bool(_VERB.search(bare[-24:])) and not re.search(r"\w", bare[_last_end(bare) :])
        if _ENDS.search(text):
            return dated or at_end or bool(_ADDRESS.search(bare))
        return at_end and (dashed or (dated and bool(_ADDRESS.search(bare))))
    if _POSTED_BY.match(bare) or (_ENDS.search(text) and _NAME_AND_TIME.fullmatch(bare)):
        return True
    address = max(_ADDRESS.finditer(bare), key=lambda hit: hit.start(), default=None)
    if not address or not dated or not (_YEAR.search(bare) or _CLOCK.search(bare)):
        return False
    return not bare[address.end() :].strip('<>()[]" \t') and text.rstrip()[-1:] in ":：>"


def _is_dashed(text: str) -> bool:
    return text[:2] == "--" and text[-2:] == "--"


def _last_end(text: str) -> int:
    return max((hit.end() for hit in _VERB.finditer(text)), default=len(text))
