"""The warning that a mail gateway puts above a mail from outside, in seven languages: it is nobody's words."""

import re
from collections.abc import Mapping

from services.outreach.replies.rules import line_wraps
from services.outreach.replies.rules.concepts import folded, folded_line

_MOST_LINES = 12
"""Lines at the beginning of a mail that may be a banner."""
_MAIL = r"(?:e-?mail|mail|message)"
_STARTS: Mapping[str, str] = {
    "English": rf"(?:this|the) {_MAIL} (?:has |was |is |being )*(?:sent|originat\w+|came|comes|come|received)? "
    rf"?(?:from )?"
    r"(?:an? )?(?:outside|external|unknown|unverified)|(?:this|the) sender (?:of this .{1,10} )?is (?:outside"
    r"|external|not)"
    rf"|you (?:do not|don't) often (?:get|receive) (?:{_MAIL}s?|an {_MAIL}) from",
    "German": r"(?:diese[rs]?|die) (?:e-?mail|mail|nachricht) (?:stammt|kommt|wurde|ist|kam) .{0,40}(?:extern"
    r"|ausserhalb)"
    r"|sie (?:erhalten|bekommen) (?:nicht|nur)? ?(?:oft|selten|haufig) (?:eine )?(?:e-?mails?|nachrichten) von",
    "French": r"(?:cet?|cette) (?:message|e-?mail|courriel|mail) (?:provient|vient|emane|a ete|est) .{0,40}"
    r"(?:exterieur|externe|hors)|vous (?:n'obtenez|ne recevez) pas souvent (?:d'|de )(?:e-?mail|courri|message)",
    "Spanish": r"(?:este|el) (?:correo|mensaje|e-?mail)(?: electronico)? (?:se|proviene|procede|fue|ha|viene) .{0,40}"
    r"(?:fuera|extern)|no (?:se )?suele recibir (?:correo|mensaje)|no recibe .{0,30}con frecuencia",
    "Portuguese": r"est[ea] (?:e-?mail|mensagem|correio) (?:foi|teve|originou|veio|provem|tem|e) .{0,40}"
    r"(?:fora|extern|exterior)|(?:voce )?(?:nao costuma receber|nao recebe|poucas vezes recebe) (?:e-?mail|mensage)",
    "Italian": r"quest[oa] ?(?:e-?mail|messaggio|mail) (?:proviene|e |arriva|ha|viene) ?.{0,40}(?:estern|fuori)"
    r"|non (?:si ricevono|ricevi|riceve) spesso (?:messaggi|e-?mail|posta)",
    "Dutch": r"(?:deze|dit) (?:e-?mail|bericht|mail) (?:is|komt|werd|kwam) .{0,40}(?:buiten|extern)"
    r"|(?:u|je) ontvangt niet vaak (?:e-?mail|bericht)",
}
_FOLLOWS: Mapping[str, str] = {
    "English": r"(?:please )?(?:do not|don't|never|avoid) (?:click|open|reply|respond|provide|enter|follow)|learn "
    r"(?:why|more)"
    r"|(?:please )?(?:exercise|use|take) (?:extra )?(?:caution|care)|think before|be (?:careful|cautious|wary|vigilant)"
    r"|(?:please )?(?:report|verify|forward) |unless you|if you (?:are unsure|suspect|do not recogni)",
    "German": r"(?:bitte )?(?:klicken|offnen|antworten|seien|prufen) sie|erfahren sie|(?:weitere|mehr) informationen",
    "French": r"(?:merci de )?ne (?:pas )?cliqu|n'ouvrez|decouvrez|en savoir plus|soyez|decouvrir pourquoi",
    "Spanish": r"(?:por favor,? )?no (?:haga|abra|responda|pulse)|obtenga|mas informacion|tenga (?:cuidado|precaucion)"
    r"|(?:descubra|averigue|sepa|por que) ",
    "Portuguese": r"(?:por favor,? )?nao (?:clique|abra|responda)|saiba|obtenha|tenha cuidado",
    "Italian": r"(?:si prega di )?non (?:fare clic|cliccare|cliccate|aprire|aprite)|scopri|ulteriori informazioni"
    r"|prestare attenzione|fare attenzione",
    "Dutch": r"(?:gelieve )?(?:klik|open) (?:niet|geen)|meer informatie|lees (?:waarom|meer)|ontdek|wees ",
}
_WARNING = (
    r"(?:caution|warning|attention|notice|alert|security|important|external|achtung|warnung|vorsicht|hinweis|extern\w{0,2}"
    r"|attenzione|avviso|precaucion|cuidado|atencion|advertencia|aviso|atencao|let op|waarschuwing|avertissement)"
)
_START = re.compile(rf"\W{{0,20}}(?:{_WARNING}\W{{1,10}}(?:{_MAIL}\W{{1,5}})?){{0,3}}(?:{'|'.join(_STARTS.values())})")
_FOLLOW = re.compile(rf"\W{{0,20}}(?:{'|'.join(_FOLLOWS.values())})")
_MARK = re.compile(
    r"\W{0,20}(?:(?:external|extern|externe|externo|externa|ext|esterno|esterna)(?: (?:e-?mail|mail|message|sender))?"
    r"|(?:externe|externer) (?:e-?mail|mail|absender|afzender|nachricht)|(?:expediteur|courriel|message) externe"
    r"|(?:correo|remitente|mensaje|e-?mail) extern[oa]|(?:mittente|messaggio) esterno)\W{0,20}"
)
"""A banner of one word in brackets: "[EXTERNAL]"."""
_COMPLETE = re.compile(
    r"\b(?:organi[sz]ation|company|network|sender|absender|entreprise|organizacion|empresa|organizacao|organizzazione"
    r"|azienda|organisatie|bedrijf|afzender|importante?|wichtig(?: ist)?|belangrijk is)$"
)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s{1,5}(?=[^\W\d_a-zà-ÿ]|[¿¡\[*])")
_ONLY_MARKS = re.compile(r"[\s\-_=*~#|>+•]{0,200}$")


def without_banner(lines: list[str]) -> list[str]:
    """The lines of a mail without the warnings of gateways at its beginning."""
    kept, seen = 0, False
    while kept < _MOST_LINES:
        marks = next((at for at, line in enumerate(lines[kept:], kept) if not _ONLY_MARKS.match(line)), len(lines))
        end = marks + 1
        while end < len(lines) and _goes_on(lines[end - 1], lines[end]):
            end += 1
        text = " ".join(map(str.strip, lines[marks:end]))
        rest = _without_warnings(text, seen)
        if rest == text:
            return lines[marks if seen else kept :]
        seen, kept = True, end
        if rest:
            return [rest, *lines[end:]]
    return lines[kept:]


def _goes_on(line: str, following: str) -> bool:
    """Whether a line was broken, and not at the end of a sentence that has no full stop."""
    return line_wraps.goes_on(line, following) and not _COMPLETE.search(folded(line.rstrip()[-30:]))


def _without_warnings(line: str, seen: bool) -> str:
    """What is left of a line without the sentences of a banner at its beginning. `seen`: one has begun above."""
    sentences = _SENTENCE_END.split(line[:2_000])
    count = 0
    for sentence in sentences:
        plain = folded_line(sentence)
        after = (seen or count) and (_FOLLOW.match(plain) or _ONLY_MARKS.match(plain))
        if not (after or _START.match(plain) or _is_mark(sentence, plain)):
            break
        count += 1
    return " ".join(sentences[count:]) + line[2_000:] if count else line


def _is_mark(sentence: str, plain: str) -> bool:
    """Whether it is a gateway's mark: in brackets or stars, or more than one word in capitals."""
    return bool(_MARK.fullmatch(plain)) and (not plain[:1].isalnum() or (sentence.isupper() and " " in plain))
