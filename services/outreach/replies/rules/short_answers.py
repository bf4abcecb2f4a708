"""Labels of messages that are a plain answer of a few words, where the model has too little to count."""

import re
from collections.abc import Iterator

from services.outreach.replies.rules import signatures
from services.outreach.replies.rules.concepts import folded

_ANSWERS = {
    "interested": """yes yep yup yeah sure absolutely definitely ja jawohl klar gern gerne oui volontiers si claro sim
        certo volentieri graag zeker|go on|go ahead|why not|count me in|count us in|ja klar|bien sur|por supuesto
        |com certeza|va bene""",
    "declined": """no nope nah nein non nao nee|no way|lieber nicht|sans facon|liever niet""",
    "later": """later spater depois|not now|not right now|not yet|maybe later|jetzt nicht|noch nicht|gerade nicht
        |pas maintenant|pas encore|plus tard|ahora no|todavia no|agora nao|ainda nao|nu niet|nog niet|non ora
        |non adesso|mas tarde""",
    "wrong_person": """|wrong number|wrong person|wrong address|falsche nummer|falsche person|mauvais numero
        |mauvaise personne|numero equivocado|persona equivocada|numero errado|pessoa errada|numero sbagliato
        |persona sbagliata|verkeerd nummer|verkeerde persoon""",
}
_POLITE = frozenset(
    """
    please pls thanks thank you thx ta sorry mate pal bitte danke merci svp gracias obrigado obrigada grazie bedankt
    """.split()
)
_POLITE_ENDS = ("por favor", "s il vous plait", "per favore")

_INTEREST = frozenset(
    """
    interest interested interesting interesse interessen interessiert interessant interessante
    interessants interessantes interet interets interessee interessees interesses interessent interes interesa
    interesan interesante interesaria interesado interesada interesados interesadas interessa interesserebbe
    interesserait interessato interessata interessati interessate interesseert geinteresseerd
    interessado interessada interessados interessadas interessaria belangstelling
    """.split()
)
"""Words of interest, folded; with a word of `_NO` they decline."""
_PLEASED = re.compile(
    r"\b(?:(?:sounds?|looks?) (?:really |very |pretty )?(?:good|great|nice|promising|perfect|lovely|excellent)"
    r"|(?:klingt|hort sich|sieht) (?:sehr |wirklich |ganz )?(?:gut|super|toll|prima|spannend|vielversprechend)(?: an)?"
    r"|(?:suena|parece|pinta) (?:muy )?(?:bien|genial|estupendo|prometedor)|tiene buena pinta"
    r"|(?:soa|parece) (?:muito )?(?:bem|bom|otimo)|(?:suona|sembra) (?:molto |davvero )?(?:bene|buono|ottimo)"
    r"|(?:klinkt|lijkt|ziet er) (?:heel |erg )?(?:goed|leuk|mooi|prima|veelbelovend)(?: uit)?"
    r"|(?:ca|cela) (?:a l air|parait|semble) (?:tres )?(?:bien|bon|prometteur))\b"
)
"""A judgement that is interest; with a word of `_NO` it says nothing certain."""
_NO = frozenset("not no kein keine keinerlei nicht pas aucun non nessun nao sem sin ningun geen niet aren isn".split())
_BESIDE = frozenset(
    """
    i m am im are re is s d t be would we us me it its this that your offer product proposal have in to a an the of for
    any longer very quite really definitely certainly still always indeed actually afraid unfortunately
    ich bin wir sind ist ware waren hatte hatten habe haben das es mich uns daran an ihrem ihr ihre angebot von sehr
    leider hier mehr grosses grundsatzlich auf jeden fall durchaus
    je j suis nous n ne sommes serais serions ca cela c est m ai avons y par votre offre tres bien d plus desole desolee
    estoy estamos estaria estariamos nos esta esto eso su en oferta propuesta muy mucho ya tengo tenemos por mucha lo
    siento
    sono siamo sarei saremmo mi ci e alla vostra sua offerta proposta molto piu ho abbiamo purtroppo vivamente
    estou estaria na proposta vossa sua muito eu tenho temos isto isso o me ja mais infelizmente
    ik ben wij we zijn zou zouden dit dat er hier daarin het uw aanbod heb hebben erg zeer wel heel helaas meer ons
    bij dank je u vielen besten herzlichen beaucoup muchas muchisimas mille hartelijk much
    sound sounds look looks seems klingt hort sich sieht aus wirkt semble parait l air a suena parece pinta suona sembra
    pare klinkt lijkt soa
    """.split()
)
"""Words that may stand beside interest, or the lack of it, and change nothing."""
_YES = frozenset("yes yeah yep sure ja oui si sim".split())
_BUT = frozenset("but aber mais pero mas ma maar".split())
_FIRST_NO = re.compile(r"^\s*(?:no|nope|nein|non|nao|não|nee)\s*[,.!;:–-]\s*(?=\w)", re.I)
_GREETING = re.compile(
    r"^\s*(?:hi|hello|hey|dear|good (?:morning|day|afternoon|evening)|hallo|guten (?:tag|morgen|abend)|moin|servus"
    r"|liebe[rs]?|sehr geehrte[rs]?|bonjour|bonsoir|salut|ch[eè]re?|hola|buen[oa]s (?:d[ií]as|tardes)|estimad[oa]s?"
    r"|ol[áa]|bo[ma] (?:dia|tarde)|car[oa]s?|prezad[oa]s?|ciao|buongiorno|gentile|egregio|beste|geachte|dag|hoi"
    r"|goedemorgen|goedemiddag)\b[^.?!,\n]{0,40}(?:[,.!:]\s*|\n)",
    re.I,
)
_WORD = re.compile(r"[^\W\d_]{1,30}")
_LONGEST = 60
"""Characters of a message that can be a short answer."""
_LONGEST_LETTER = 300


def _by_answer() -> dict[str, str]:
    found: dict[str, str] = {}
    for label, text in _ANSWERS.items():
        words, *phrases = text.split("|")
        found |= dict.fromkeys([*words.split(), *(" ".join(phrase.split()) for phrase in phrases)], label)
    return found


_LABELS = _by_answer()


def label(text: str) -> str | None:
    """The label of a message that is nothing but a plain answer and politeness; None for any other."""
    return next(filter(None, map(_label, dict.fromkeys((text, _without_frame(text))))), None)


def _label(text: str) -> str | None:
    if len(text) > _LONGEST or "?" in text or any(each.isdigit() for each in text):
        return None
    words = " ".join(_WORD.findall(folded(text)))
    for end in _POLITE_ENDS:
        words = words.removesuffix(end).strip()
    plain = [word for word in words.split() if word not in _POLITE]
    return _LABELS.get(" ".join(plain)) or _interest(plain, no_first=bool(_FIRST_NO.match(text)))


def _interest(words: list[str], *, no_first: bool) -> str | None:
    """Whether words are interest, or the lack of it, and nothing that could change it.

    `no_first`: a "no" stands before a comma, so that another one has to follow: "No, I am interested" is unclear.
    """
    rest = words[1:] if words and (words[0] in _BUT or words[0] in _YES or no_first) else words
    pleased = _PLEASED.sub("", text := " ".join(rest))
    others = set(pleased.split())
    interest = bool(others & _INTEREST)
    if not (interest or pleased != text) or not others <= _INTEREST | _NO | _BESIDE:
        return None
    if not others & _NO:
        return None if no_first else "interested"
    return "declined" if interest and words[0] not in _YES else None


def _without_frame(text: str) -> str:
    """A short letter without its greeting, and without what begins with a sign-off."""
    if len(text) > _LONGEST_LETTER:
        return ""
    lines = _GREETING.sub("", text.strip(), count=1).splitlines()
    return "\n".join(lines[: next(_closings(lines), len(lines))]).strip()


def _closings(lines: list[str]) -> Iterator[int]:
    return (at for at, line in enumerate(lines) if at and signatures.stands_below(line))
