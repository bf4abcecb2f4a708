"""Automatic replies: out of office, moved company, other machines. By headers (RFC 3834, 3464, 8098), then by words."""

import re
from collections.abc import Mapping

Headers = Mapping[str, str]
"""Header names in lower case; of a repeated header the last value."""


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.I | re.S)


_SUBJECT = _any(
    r"^(re: )?(automatic reply|auto(matic)?[- ]?(reply|response|responder)|autoreply|out of (the )?office|ooo\b)",
    r"^(abwesenheit|abwesend|automatische antwort|réponse automatique|absence|respuesta automática|ausente|ausência)",
    r"^(resposta automática|risposta automatica|automatisch antwoord|afwezig)",
    r"^(read|gelesen|lu|leído|lida|letto|gelezen): ",
    r"^\[?(ticket|case|request)\b.{0,10}#?\d|^undeliver|^eingangsbestätigung|^accusé de réception|^ricevuta di",
)
_MACHINE_WORDS = _any(
    r"\b(this is|dies ist|ceci est|este es|esta é|questa è|dit is) (an? |une? |eine |um[a]? |een )?"
    r"(automat\w+|message automatique|mensaje automático|mensagem automática|messaggio automatico|automatisch\w*)",
    r"\b(automatically generated|automatisch (erzeugt|erstellt|generiert)\w*|do not reply to this"
    r"|bitte antworten sie nicht auf)\b",
    r"\b(ticket|case|reference|protocolo|vorgang\w*|dossier)\b.{0,25}\b[A-Z]{0,5}[-#]?\d{3,}.{0,80}\b(logged|created"
    r"|registered|closed"
    r"|received|erfasst|geöffnet|créé|geramos)",
    r"\b(thank you|thanks) (so much )?for (contacting|writing to|reaching out to|texting|your interest in"
    r"|getting in touch)\b"
    r".{0,200}\b(shortly|soon|asap|in turn|as soon as|within|will (get back|reply|be in touch|respond))",
    r"\b(unmonitored|not monitored|nobody reads|niemand liest|used for sending only|postvak wordt niet meer gebruikt"
    r"|sending only)\b",
    r"\bwas read on\b|\bwurde am .{5,60}(gelesen|gelöscht)|\bprove you'?re (a person|human)\b|\bwas quarantined\b",
    r"\bhe gets to his email\b|\banswers everyone in turn\b",
)
_AWAY = _any(
    r"\b(out of|away from) (the |my )?(office|clinic|desk|country)\b|\bout[- ]of[- ]office\b|^ooo\b",
    r"\b(i'?m|i am|he'?s|she'?s|we'?re|we are|am|is|are|currently) (away|off (sick|work|today|until|on)"
    r"|on (\w+ )?(leave|holiday\w*|vacation"
    r"|hols|sabbatical|a sabbatical|honeymoon|paternity|maternity)|travelling until|out (of|until|on|from|this|next"
    r"|\d))",
    r"\b(maternity|paternity|parental|annual|sick|compassionate|medical) leave\b|\bon (annual )?leave\b"
    r"|\bjury service\b|\bhospital bed\b",
    r"\b(will be|be|i'?m|am) back (on|in|at|tomorrow|from|monday|tuesday|wednesday|thursday|friday)\b|\bback (at"
    r"|in) (my desk|the office)\b",
    r"\b(returning(?! this)|return to (the )?office|plan to return|i return|we reopen|when i return|will return) (on"
    r"|in|monday|\d|from)?",
    r"\b(closed|shut) (from|until|for the holidays|over)\b|\blimited access to (my )?e?-?mails?\b"
    r"|\bdon'?t work (on )?(mondays|fridays|weekends)\b",
    r"\bno signal\b.{0,60}\btil|\bno work txts\b|\banswered after\b",
    r"\b(abwesend|abwesenheit|im (\w+)?urlaub|nicht im (haus|büro)|außer haus|elternzeit|mutterschutz|krank bis"
    r"|lieg flach"
    r"|wieder (für sie da|erreichbar|im (büro|haus))|voraussichtlich .{0,30}zurück)\b",
    r"\b(absente?|en (congés?|vacances|déplacement)|de retour|je rentre au bureau|en arrêt maladie|congé (maternité"
    r"|parental))\b",
    r"\b(de vacaciones|fuera de la oficina|ausente|de baja (médica|maternal)|vuelvo (el|al)|estoy de (boda|viaje"
    r"|permiso))\b",
    r"\b(de férias|fora do escritório|licença (médica|maternidade)|ausente|após o meu regresso|afastad[oa] por)\b",
    r"\b(in ferie|fuori (ufficio|sede)|assente|resterà chiuso|riapriamo|chiusura (estiva|natalizia)|in maternità)\b",
    r"\b(afwezig|met (vakantie|verlof)|niet (op kantoor|aanwezig)|zit ik weer op kantoor|ben ik weer (terug"
    r"|bereikbaar))\b",
)
_LEFT = _any(
    r"\b(no longer|not|doesn'?t|don'?t) (\w+ )?(with|employed|work(s|ing)? (for|at|here|with)"
    r"|part of)\b(?!.{0,20}\b(agencies|weekend|fridays))"
    r"(?=.{0,40}\b(any ?more|company|group|ltd|llp|gmbh|here|family|since|as of|\.|,)|.{0,200})(?<!not part of)",
    r"\b(has|have|had) left (the )?(company|firm|us|organi[sz]ation|business|[A-Z]\w+)|\b(left|leaving) (us"
    r"|the company|the firm|the business)\b",
    r"\bi left [A-Z]\w+|\bmy last day\b|\blast day at\b|\b(made|been made) redundant\b|\b(retired|retirement)\b|\b(has"
    r"|have) moved on\b|\bi'?ve moved on\b",
    r"\b(was|were|been) (dismissed|let go|laid off)\b|\b(died|passed away|deceased)\b(?!.{0,20}\babout to)"
    r"|\bgave up (her|his|my) (post|job|position)\b",
    r"\b(\w+'s )not here any ?more\b|\bdoesn'?t work here\b|\bused to work here\b",
    r"\bnicht mehr (für|bei|in) .{0,40}(tätig|beschäftigt|angestellt)|\bausgeschieden\b|\b(im|meinen"
    r"|in den) ruhestand\b"
    r"|\b(unternehmen|firma) verlassen\b|\bverstorben\b|\bin rente\b",
    r"\b(j'ai|a|ai) quitté (la société|l'entreprise|le groupe|mon poste|notre)|\bne (travaille|fais|fait) plus (partie"
    r"|chez|pour|dans)\b"
    r"|\brendu mon tablier\b|\bparti[e]? (à|en) (la )?retraite\b|\bdécédée?\b",
    r"\bya no (trabaj|form|pertenec|est)\w+|\b(se|me) jubil\w+|\bdej(ó|é|ado) la (empresa|compañía)|\bfalleci\w+",
    r"\bnão (faço|faz|trabalho|trabalha) mais\b|\bjá não (trabalho|trabalha|faço|faz)\b|\baposent\w+|\bfaleceu\b"
    r"|\bdeix(ei|ou) a empresa\b",
    r"\bnon (lavoro|lavora|faccio|fa) più\b|\b(ha|ho) lasciato (l'azienda|la società)\b|\b(in|è andat\w in) pensione\b"
    r"|\bdecedut\w\b",
    r"\b(niet (meer|langer)) (werkzaam|in dienst|werkt)|\b(werk|werkt) (hier |daar )?niet (meer|langer)\b"
    r"|\boverleden\b|\bmet pensioen\b|\buit dienst\b",
    r"\breached has left\b",
)
_STILL_THERE = _any(
    r"\bsame company\b|\bzit al .{0,20}niet meer in het bestuur\b",
    r"\bretirement (gifts?|homes?|plans?|community)\b|\bdied or is about to\b|\bdon'?t work (on )?(mondays|fridays)\b",
)
_WANTS_SOMETHING = _any(
    r"\?|\b(call|ring|write to|contact|try|ask) me\b|\b(escrib|llám|escrev|ligue|scriv|chiam|rappelez|écrivez)\w*",
    r"\b(melden|rufen|schreiben) sie\b|\b(bel|mail|schrijf) (me|mij)\b",
)
"""A person typed this and wants more than to be left alone until a date: a human reads it."""


def by_headers(headers: Headers) -> bool:
    """Whether a machine sent it, by its headers (RFC 3834: any Auto-Submitted except `no`)."""
    submitted = headers.get("auto-submitted", "").split(";")[0].strip().lower()
    if submitted and submitted != "no":
        return True
    if headers.get("precedence", "").strip().lower() in ("auto_reply", "bulk", "junk"):
        return True
    if any(headers.get(name) for name in ("x-autoreply", "x-autorespond", "x-autoreply-from", "x-mail-autoreply")):
        return True
    if headers.get("x-auto-response-suppress", "").strip().lower() in ("all", "oof", "autoreply"):
        return True
    content_type = headers.get("content-type", "").lower()
    return content_type.startswith("multipart/report") or headers.get("return-path", "").strip() == "<>"


def label(headers: Headers, text: str) -> tuple[str, str] | None:
    """(label, the words relied on) of a machine's or an absent person's message; None for any other."""
    subject = headers.get("subject", "")
    machine = by_headers(headers) or bool(_SUBJECT.search(subject))
    clean = " ".join(text.split())
    moved = None if _STILL_THERE.search(clean) else _LEFT.search(clean)
    away = _AWAY.search(clean) or (_AWAY.search(subject) if machine else None)
    if moved and (machine or not away):
        return "moved_company", moved.group(0)
    if machine:
        return ("out_of_office", away.group(0)) if away else ("auto_reply", "headers or subject of a machine")
    hit = _MACHINE_WORDS.search(clean)
    if hit:
        return "auto_reply", hit.group(0)
    return ("out_of_office", away.group(0)) if away and not _WANTS_SOMETHING.search(clean) else None
