"""Labels of short, plain answers by a person. A text that leaves doubt gets none, and a human reads it."""

import re


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.I | re.S)


_DAY = (
    r"(mon|tues|wednes|thurs|fri|satur|sun)days?|(mon|tue|wed|thu|fri)\b|montag|dienstag|mittwoch|donnerstag|freitag"
    r"|lundi|mardi|mercredi"
    r"|jeudi|vendredi|lunes|martes|miércoles|jueves|viernes|(segunda|terça|quarta|quinta|sexta)(-feira)?\b|lunedì"
    r"|martedì|mercoledì"
    r"|giovedì|venerdì|maandag|dinsdag|woensdag|donderdag|vrijdag|tomorrow|morgen|demain|mañana|amanhã|domani"
)
_CLOCK = r"\b(at|um|à|a las|às|alle|om|ab|from|after|any time) \d{1,2}\b|\b\d{1,2}([:.]\d\d| ?(am|pm|uhr|h|u)\b)"
_MEETING = _any(
    r"\b(book(ed)?|schedule|arrange|set up|have) (a|the|in a|myself in|some) ?(call|meeting|chat|demo|time|visit)?",
    r"\b(call me|(a|quick|short) (call|chat)|ring me|meet|speak|talk|visit us|come (to|by|over)|termin|treffen"
    r"|telefonat|telefonieren"
    r"|anruf\w*|rendez-vous|appel(ez|er)\w*|reunión|llám(e|a)(me|nos)|reunião|ligue(-me)?|incontr\w*|chiam\w*|afspraak"
    r"|bel me|bellen"
    r"|langskom\w*|passi|passez|venez)\b",
)
_NOT_WANTED = (
    r"(don'?t|do not|no|kein\w*|pas de|sin|sem|geen|non) (want |need |a )?"
    r"(meeting|call|termin|rendez-vous|reunión|reunião|afspraak)"
)
_LATER = _any(
    r"\b(back in touch|try us|txt me|text me|come back|hit me up|drop (me|us) a line)\b.{0,30}\b(in|again|then|next"
    r"|later)\b",
    r"\brecontacter\b.{0,20}\b(en|dans|après)\b|\bel mes (que|q) viene\b|\bbegin volgend jaar\b"
    r"|\bdas? nächste[sn]? (jahr|quartal)\b",
    r"\b(try|contact|write|ask|call|ping|reach out|get in touch|come|look in|circle|check)\b.{0,25}\b(again|back"
    r"|then)\b.{0,40}"
    r"\b(in|next|after|week|from|later|once|when)\b",
    r"^(hi|hello|dear)?.{0,20}\bnot (right |rite )?now\b|\bmaybe (later|next)\b|\bnext (year|quarter"
    r"|month)\b.{0,30}\b(better|again|instead|please)\b",
    r"\b(melden sie sich|nochmal|wieder)\b.{0,40}\b(im|in|nach|ab|nächste[ns]?|kw)\b|\b(relancez|recontactez"
    r"|revenez)[- ](moi|nous)\b",
    r"\b(escríba\w*|escribirme|contácte\w*|llám\w*)\b.{0,30}\b(en|a mediados|a finales|dentro de|de nuevo)\b"
    r"|\bprocur\w+ de novo\b",
    r"\b(risentiamoci|mi scriva|mi ricontatti|se ne riparla)\b|\b(neem|mail|bel)\b.{0,30}\bnog eens\b",
)
_DECLINED = _any(
    r"\b(decided|gone|went|chosen|opted|signed) (to|with|for) (another|someone|a different|stay|keep|award)\b"
    r"|\bwon'?t (be )?need(ing)?\b",
    r"\b(have to|will|going to) pass\b|\bno way\b|\b(too expensive|zu teuer|trop cher|muy caro|caro demais|troppo caro"
    r"|te duur)\b",
    r"\bfür einen anderen anbieter\b|\bne donnerons (donc )?pas suite\b|\bnão iremos avançar\b|\bniet mee verder\b"
    r"|\bwe'?re good\b",
    r"\b(not|no longer|isn'?t|is not) (interested|for us|a fit|something (we|i)|our thing)\b|\bno (interest|need"
    r"|thank you|thanks|ta)\b",
    r"\bwe('ll| will| shall)? not (be )?(proceed|buying|going ahead|moving forward)\w*|\b(we'?re|i'?m|we are) (all set"
    r"|happy with (our|what))",
    r"\bkein (interesse|bedarf)\b|\bnicht interessiert\b|\bpas intéress|\bsans façon\b|\bno (me|nos) interesa\b"
    r"|\bnão (temos|tenho) interesse\b",
    r"\bgeen interesse\b|\bnon (ci|mi) interessa\b|\bnon (siamo|sono) interessat\w|\bnon procederemo\b"
    r"|\bnon fa per noi\b|^(no|nope|nein|non|nee|não)[.!]*$",
)
_WRONG = _any(
    r"\b(isn'?t|not|wasn'?t) (my|our) (area|department|job|field|responsibility)\b|\bwrong department\b"
    r"|\bi don'?t (handle|do|deal with)\b",
    r"^(sorry,? )?not me\b|\bim'? just the\b|\b(pas moi|c'est pas moi) qui (décide|gère)\b|\bje m'occupe uniquement\b",
    r"\bwrong (number|person|address|guy|email)\b|\bfalsche (nummer|adresse|person)\b|\bmauvais (numéro"
    r"|interlocuteur)\b",
    r"\bnúmero (equivocado|errado)\b|\bnumero sbagliato\b|\bverkeerd(e)? (nummer|persoon|adres)\b",
    r"\b(i'?m|i am) not (the right|responsible|in charge)\b|\bnicht (der|die) richtige|\bnicht zuständig\b"
    r"|\bpas (la bonne personne|responsable)\b",
    r"\bno soy la persona\b|\bnão sou (a pessoa|responsável)\b|\bnon sono (io )?(la persona|il responsabile)\b",
)
_WRONG_ADDRESS = _any(
    r"\bwrong (number|address|e-?mail)\b|\bfalsche (nummer|adresse)\b|\bmauvais numéro\b|\bnúmero (equivocado"
    r"|errado)\b",
    r"\bnumero sbagliato\b|\bverkeerd(e)? (nummer|adres)\b|\bnot (his|her|their) (number|phone|address)( any ?more)?\b",
    r"\bold (work )?(phone|number|address)\b",
)
_INTERESTED = _any(
    r"^(hi|hello|hey|dear|hallo|bonjour|hola|olá|ciao)?[^.!?]{0,25}\b(yes|yep|yea|yeah|sure|ja|oui|sí"
    r"|sim)\b[^?]{0,80}$",
    r"(?<!stop )\bsend (me|us|over|it|the)\b(?! (an?y)? ?(more|further) (mail|e-?mail))|\bshare (the|your|more)\b"
    r"|\bgo ahead\b",
    r"\bsign (me|us) up\b|\bsounds (good|great|interesting)\b|\btell (me|us) more\b|\b(know|hear|learn|see) more\b"
    r"|\bput us on the list\b",
    r"\bstuur gerust\b|\bmánd(a|e)(me|nos)\b|\bvorremmo procedere\b|\bavance\b|\bje dis oui\b"
    r"|\bwir möchten\b.{0,30}\b(machen|testen)\b",
    r"^(yes|yes please|sure|ja|ja bitte|ja gerne|oui|sí|si|sim|absolutely|definitely|count us in|tell me more"
    r"|sounds (good|great|interesting))"
    r"([ ,]+(please|bitte|gerne|por favor))?[.!]*$",
    r"\b(please|do|pls|gladly) (send|share|forward|prepare) (me|us|over|it|the|your|more|one)\b|\bcount (us|me) in\b"
    r"|\bconsider us keen\b",
    r"\b(we|i)('d| would) (love|like|be (glad|happy)) to (take (it|this) further|move forward|try|go ahead|see (more"
    r"|the))\b",
    r"\b(we'?re|i'?m|we are|i am|yea|yes,?) (very |really |definitely |quite )?(interested|intrested)\b(?! in (hearing"
    r"|why|transfer)| to transfer)",
    r"\bschicken sie (mir|uns)\b|\bmachen sie (mir|uns) ein angebot\b|\bwir sind interessiert\b"
    r"|\bnous sommes (preneurs|intéressés)\b",
    r"\b(nos|me) interesa\b|\benvíe(me|nos)\b|\bpode (me )?(mandar|enviar)\b|\btemos interesse\b|\b(mi|ci) interessa\b"
    r"|\bstuur maar\b",
)
_QUESTION = re.compile(r"\?(\s|$)")
_TAPBACK = re.compile(
    r"(liked|loved|disliked|laughed at|emphasi[sz]ed|questioned|reacted .{1,12} to) ([“\"]|an? )", re.I
)


def label(newest: str) -> tuple[str, str] | None:
    """(label, the words relied on), or None when a human should read it. `newest`: the text before the sign-off."""
    text = " ".join(newest.split())
    if not text or len(text) > 1_200 or _TAPBACK.match(text):
        return None
    hits = {name: pattern.search(text) for name, pattern in _PATTERNS.items()}
    if re.search(_NOT_WANTED, text, re.I):
        hits["meeting_request"] = None
    elif hits["meeting_request"] and not (re.search(_DAY, text, re.I) or re.search(_CLOCK, text, re.I)):
        hits["meeting_request"] = None
    names = [name for name, hit in hits.items() if hit]
    if names == ["question"]:
        day, clock = re.search(_DAY, text, re.I), re.search(_CLOCK, text, re.I)
        if day and clock:
            return "meeting_request", f"{day.group(0)} {clock.group(0)}"
        if day or clock:
            return None
    if names == ["question", "interested"] or names == ["interested", "question"]:
        names = ["question"]
    if names == ["meeting_request", "question"]:
        names = ["meeting_request"]
    if len(names) != 1:
        return None
    hit = hits[names[0]]
    if hit is None or len(text) > _LIMIT[names[0]]:
        return None
    return names[0], (_sentence(text, hit.end()) if names[0] == "question" else hit.group(0))[:200]


def _sentence(text: str, end: int) -> str:
    """The sentence that ends there: a question mark says nothing by itself."""
    before = text[:end].rstrip()
    begin = max(before.rfind(sign, 0, -1) for sign in (". ", "! ", "? "))
    return before[begin + 1 :].strip()


_PATTERNS = {
    "wrong_person": _WRONG,
    "later": _LATER,
    "declined": _DECLINED,
    "meeting_request": _MEETING,
    "interested": _INTERESTED,
    "question": _QUESTION,
}
_LIMIT = {
    "wrong_person": 400,
    "later": 500,
    "declined": 300,
    "meeting_request": 500,
    "interested": 600,
    "question": 700,
}
"""The greatest length of a text with each label. Longer texts usually have more than one meaning."""


def names_wrong_address(text: str) -> bool:
    """Whether the writer says that this number or address is not the lead's."""
    return bool(_WRONG_ADDRESS.search(text))
