"""Opt-outs: words in seven languages by which a writer asks not to be contacted any more.

A missed opt-out costs more than a wrong one: an operator can correct the wrong one.
"""

import re
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from services.outreach.replies.rules.concepts import any_of, folded

if TYPE_CHECKING:
    from services.outreach.replies.rules.new_text import NewText

KEYWORDS = frozenset(
    """
    stop stopall unsubscribe unsub unsubcribe unsubscibe unsuscribe cancel end quit optout revoke stopp
    remove arret arrete arretez desabonner desinscription baja alto cancelar pare parar parem sair salir remover
    abmelden abbestellen austragen uitschrijven afmelden stoppen cancella cancellami cancellatemi disiscrivimi basta
    rimuovi descadastrar
    """.split()
)
"""Keywords of carriers, and their translations: a message of nothing but these and polite words is an opt-out."""

_BESIDE = frozenset(
    """
    please pls plz now all it this thanks thank you thx ta ty sms txt text texts texting messages msgs mails emails
    ok okay man mate bro dude guys sir madam hi hello hey immediately already
    bitte danke jetzt sofort svp stp merci s il vous plait por favor porfavor gracias obrigado obrigada ya agora
    alstublieft alsjeblieft aub bedankt per favore grazie subito
    """.split()
)
_JOINED = (("opt", "out"), ("stop", "all"), ("un", "subscribe"))
_WORD = re.compile(r"[^\W\d_]{1,30}")
_GREETING = re.compile(r"^(hi|hello|hey|dear|hallo|bonjour|hola|olá|ciao|guten tag|sehr geehrte)\b[^.?!]{0,40}$", re.I)
_LONGEST = 400
"""Characters of a message that can be nothing but keywords."""

_STOP_VERBS = (
    r"(contact\w*|writ\w*|e-?mail\w*|mail\w*|messag\w*|text\w*|txt\w*|call\w*|spam\w*|bother\w*|send\w*|pester\w*"
    r"|harass\w*)"
)


_any = partial(any_of, flags=re.I | re.S)
_ENGLISH = _any(
    r"\bunsub(s?c?ri?be?)?\b(?! (link|button|footer))|\bopt(ing|ed)?[ -]?(me |us )?out\b",
    r"\b(remove|take|delete|erase|strike|drop|scrub|purge|wipe) (me|us|my|our|this|the)\b.{0,70}"
    r"\b(list\w*|database|records?|data|system|crm|file\w*|books|mailing\w*)\b",
    r"\b(delete|erase|remove|wipe|purge|destroy) (all |any )?(of )?(it|me|us|my|our|this address|everything you)\b"
    r".{0,40}\b(from|data|details|address\w*|information|contact|records?|name|number)\b",
    r"\b(take|get|keep|leave) (me|us|my (name|address\w*|number)|both my address\w*|our \w+) .{0,70}off\b(?! guard)",
    r"\boff with my name\b|\b(my|our) (name|address|number) off\b",
    r"\b(take|remove) (me|us) off\b.{0,20}\blist|\b(remove|delete) (me|us)( please| now|[.!]|$)",
    rf"\b(stop|cease|quit|refrain from) ((all|any|your|these|the|with) )?(\w+"
    rf" )?{_STOP_VERBS}\b(?!.{{0,12}}\bpdfs?\b)",
    rf"\b(do ?n[o']?t|don t|never|no longer) (ever |please )?{_STOP_VERBS}\b.{{0,60}}\b(again|any "
    rf"?more|ever|further|me|us)\b",
    rf"\b(didn'?t|not to|never to|wouldn'?t|do not) {_STOP_VERBS}\b.{{0,30}}\b(again|any ?more|ever)\b",
    r"\bnever (contact|write|call|text|e-?mail|message|approach)\b",
    r"\b(do not|don'?t|no longer) (wish|want|care|like) to (receive|get|hear|be contacted|see)\b",
    r"\b(hear|receive|get|want|wish for) (nothing|no (more|further))\b.{0,40}\b(from|mails?|e-?mails?|messages?"
    r"|contact|calls?)?",
    r"\bno (more|further) (e-?mails?|mails?|messages?|contact|texts?|calls?|follow[- ]?ups?|communications?"
    r"|approaches)\b",
    r"\bno follow[- ]?ups?\b",
    r"\b(make|let) this (be )?(the|your) last\b|\blast (time|warning|chance)\b.{0,40}\b(telling|tell|asking|contact"
    r"|write)\b",
    r"\b(lose|forget|delete) (my|this|our) (number|address|e-?mail|details|contact)\b",
    r"\bleave (me|us) (alone|in peace|be)\b|\bgo away\b|\bget lost\b(?! either)|\b(piss|bugger|sod|fuck) off\b",
    r"\b(reported|report(ing)?|flagged|marked) (this|you|it|your)\b.{0,60}\b(spam|abuse|regulator|ico|ftc)\b"
    r"|\bblocked (you|your)\b",
    r"\b(right to (erasure|be forgotten))\b|\barticles? (15 and )?17\b|\bgdpr\b.{0,160}\b(erase|delete|removal"
    r"|erasure)\b",
    r"\b(withdraw|revoke) (my |our |any )?consent\b|\bobject to (the |any |your )?(processing|use|direct marketing"
    r"|marketing)\b",
    r"\bcease and desist\b|\bdo[- ]not[- ](contact|call|mail)\b|\badjust your records\b",
    r"\b(nobody|no one|i) (asked|gave you permission)\b.{0,60}\bstop\b",
)

_GERMAN = _any(
    r"\b(bitte|möchte|will|mich|uns|hiermit|newsletter|mailings?)\b.{0,40}\b(abmelden|abbestellen|austragen)\b"
    r"|^(abmelden|abbestellen)\b",
    r"\baus (dem|ihrem|eurem|der|ihrer|eurer) (\w+ )?(verteiler|liste|datenbank|mailingliste)\b",
    r"\b(nehmen|nimm|streichen|löschen|lösch|entfernen|tragen) (sie |ihr )?(mich|uns|meine|unsere|diese)\b"
    r".{0,60}(verteiler|liste|datenbank|kartei|daten|adresse|nummer|\baus\b)",
    r"\bkeine (weiteren |weitere )?(e-?mails?|mails?|nachrichten|werbung|anrufe|kontaktaufnahme|kontaktversuche"
    r"|zusendung\w*)\b"
    r"(?!.{0,20}\bbearbeitet)",
    r"\b(unterlassen|hören sie auf|lassen sie (mich|uns) in ruhe|lasst (mich|uns) in ruhe|in ruhe lassen)\b",
    r"\b(schreiben|kontaktieren|mailen|rufen) sie (mich|uns|mir) (bitte )?(nicht|nie)( mehr| wieder| an)?\b"
    r"|\bnie wieder\b",
    r"\bnicht mehr (kontaktier\w*|angeschrieben|an(zu)?schreib\w*|schreiben|melden)\b|\bfunkstille\b",
    r"\b(widerspreche|widerspruch)\b.{0,120}|\bart(ikel|\.)? ?17\b|\bdsgvo\b.{0,300}\blösch"
    r"|\bwiderrufe\b.{0,60}einwilligung",
    r"\b(meine|unsere) (daten|adresse|nummer|kontaktdaten)\b.{0,40}\b(löschen|entfernen|streichen)\b",
)

_FRENCH = _any(
    r"\b(désabonn|desabonn|désinscri|desinscri)\w*",
    r"\b(retir|supprim|enlev|effac|ôt|radi)\w*[ -](moi|nous|mon|mes|notre|nos|cette)?\b.{0,70}"
    r"\b(liste|base|fichier|données|coordonnées|adresse|mailing|numéro)",
    r"\b(ne|n') ?(me |nous )?(plus|jamais|m'?)\b.{0,30}\b(contact|écri|ecri|envoy|appel|sollicit|recevoir|dérang)\w*",
    r"\b(ne|n') ?(me |nous |m')?(contact|écri|ecri|envoy|appel|sollicit|dérang)\w*([- ](moi|nous))? plus\b",
    r"\bne (souhaite|veux|désire|souhaitons|voulons) plus\b|\bplus (jamais|aucun) (mail|message|courriel|e-?mail)",
    r"\b(cessez|arrêtez|arretez|merci d'arrêter)\b|\b(laissez|laisse|fichez|foutez)[- ](moi"
    r"|nous)\b.{0,12}\b(tranquille|paix)\b",
    r"\b(cnil|rgpd)\b.{0,200}|\bdroit (à l'oubli|d'opposition|à l'effacement)\b|\bdernière fois ?: ?non\b",
)

_SPANISH = _any(
    r"\b(dar(me|nos)?|den(me|nos)?|dé(me|nos)?|da(me|nos)) de baja\b(?!.{0,40}(penalización|permanencia|contrato))",
    r"\bdes(uscrib|suscrib)\w*",
    r"\b(elim[ií]n|b[oó]rr|quit|retir|supriman?|sa(qu|c))\w*\b.{0,60}\b(lista|base de datos|datos|dirección|correo"
    r"|contacto"
    r"|número|registros?)\b",
    r"\bno (me |nos )?(vuelv\w+ a |quier\w+ (recibir |que )?|dese\w+ (recibir )?)?(contact|escrib|llam|envi|mand"
    r"|molest|recibir|utiliz)\w*"
    r".{0,30}\b(más|mas|nunca|nada)\b",
    r"\bno (me |nos )?vuelv\w+ a (contact|escrib|llam|envi|mand|molest|utiliz)\w*",
    r"\bdej(e|a|en|ad)(me|nos)?\b.{0,20}\b(en paz|tranquil\w+|de (escrib|mand|envi|llam|molest|contact)\w*)\b"
    r"|\bdéje(me|nos) en paz\b",
    r"\b(rgpd|lopd)\b.{0,200}\b(supresión|elimin|borr|cancel|opon)\w*|\bderecho (de|al) (supresión|olvido|oposición"
    r"|cancelación)\b",
)

_PORTUGUESE = _any(
    r"\b(descadastr|desinscrev)\w*\b(?!\")|\bcancel\w+ (a )?(minha )?(inscrição|subscrição)\b",
    r"\b(remov|retir|exclu|apag|elimin|tir)\w*\b.{0,60}\b(lista|base( de dados)?|cadastro|dados|contato|contacto"
    r"|e-?mail|número)\b",
    r"\b(par(em?|a|ar)|deix(em?|a|ar)) de (me |nos )?(mandar|enviar|escrever|ligar|incomodar|contat|contact"
    r"|chatear)\w*",
    r"\bnão (me |nos )?(quero|queremos|desejo|desejamos|mand|envi|escrev|contat|contact|lig|incomod)\w*.{0,40}\b(mais"
    r"|nunca)\b",
    r"\b(eliminação|exclusão|apagamento) d[oe]s? (meus |nossos )?(dados|contat|contact)"
    r"|\bcancelamento de (todas )?as comunicações\b",
    r"\bdeix\w+[- ]?(me|nos)? em paz\b|\b(lgpd|rgpd)\b.{0,200}\b(elimin|exclu|apag|opo)\w*",
)

_DUTCH = _any(
    r"\b(uitschrijven|afmelden|uit te schrijven|schrijf (mij|me|ons) uit)\b",
    r"\b(haal|verwijder|schrap|gooi|wis)\b.{0,20}\b(mij|me|ons|mijn|onze|dit)\b.{0,60}"
    r"\b(lijst\w*|bestand\w*|database|gegevens|adres\w*|mailing\w*|systeem|nummer)\b",
    r"\b(geen|nooit) (meer |verdere )?(e-?mails?|mails?|berichten|post|contact|reclame)\b.{0,30}"
    r"|\bstop(pen)? met (mailen|bellen|schrijven|sturen)\b",
    r"\b(mail|bel|schrijf|benader|contacteer|stuur) (mij|me|ons) (a\.?u\.?b\.? |alsjeblieft )?(niet|nooit|niks) (meer"
    r"|weer)\b",
    r"\blaat (mij|me|ons) met rust\b|\bavg\b.{0,200}\b(verwijder|wis|bezwaar)\w*|\bwens\w* geen\b.{0,30}\b(mail"
    r"|bericht|contact)",
)

_ITALIAN = _any(
    r"\bdisiscri\w*|\bcancell(i|a|ate|atemi|ami|are|azione)\b.{0,50}\b(contatto|lista|dati|indirizzo|nominativo"
    r"|iscrizione|numero|database|mail)\b",
    r"\b(toglie|rimuov|elimin)\w*\b.{0,50}\b(lista|dati|indirizzo|contatto|database|mailing|elenco|numero)\b",
    r"\bnon (mi |ci )?(scriv|contatt|mand|invi|chiam|disturb|telefon)\w*.{0,30}\b(più|mai)\b",
    r"\bnon (voglio|vogliamo|desidero|desideriamo|intendo) (più )?(ricevere|essere contattat)\w*",
    r"\b(smett|finit|piant)\w+(la|ela)? (di|con)\b.{0,30}(scriv|mand|invi|chiam|disturb|mail)|\blasci(ate|a)?(mi"
    r"|ci)? (stare|in pace)\b.{0,10}(me|noi)?\bpace\b",
    r"\bgdpr\b.{0,200}\b(cancell|oppos|rimoz)\w*|\bmi oppongo\b|\bchiudiamola qui\b",
)

_LANGUAGES = (_ENGLISH, _GERMAN, _FRENCH, _SPANISH, _PORTUGUESE, _DUTCH, _ITALIAN)

_NOT_MEANT = _any(
    # only about this one thread, with somebody else named instead
    r"\b(take|remove) me off this (thread|chain|conversation)\b",
    r"\bnehmt? mich (bitte )?aus dem verteiler dieser runde\b",
    r"\b(quítame|quíteme) a mí de la conversación\b",
    r"\bjá me pode tirar do\b",
    # they ask what happens on leaving, or undo it
    r"\bwhen (a|one|our|your) (client|customer|user)s? (unsubscribes?|cancels?)\b",
    r"\b(your|our|the|my) (\w+ )?(customers?|clients?|users?|recipients?|subscribers?)\b[^.?!]{0,30}\b(unsub\w*"
    r"|opt(s|ed|ing)? out)\b",
    r"\b(clicked|hit|pressed) unsubscribe by (accident|mistake)\b|\bdon'?t (take|remove) (me|us) off\b",
    r"\bput (me|us) back on\b|\bkeep (me|us) on (the|your) list\b",
    # they ask to be put on the list
    r"\b(nehm|nimm|trag|setz)\w* (sie |ihr )?(bitte )?(mich|uns)( bitte)? (in|auf) (ihre|eure|deine|die|den)n? \w+",
    r"\bquase cliquei em\b|\bneither,? but not get lost\b",
    # a machine explains how to leave ITS list; a tapback repeats what we wrote
    r"\b(reply|text|send|antworten sie mit|répondez|responda|rispondi) [\"“'«]?\w+[\"”'»]? (to|um|pour|para|per) "
    r"(opt[ -]?out|unsubscribe|stop|cancel|end)\w*",
    r"\bif (your|the) (\w+ ){0,3}(stop|unsubscribe|opt)",
)
_STAYS = _any(
    r"\b(keep|leave|put) (me|us) (back )?on (the|your|this) (mailing )?list\b|\b(want|like) to stay on (the"
    r"|your) list\b",
    r"\b(don'?t|do not|please not) (take|remove|delete|drop|unsubscribe) (me|us)\b(?! again)",
    r"\b(nicht|nich) (austragen|abmelden|streichen|rausnehmen|löschen)\b.{0,4}[!.,]|\bim verteiler (bleiben"
    r"|lassen)\b",
    r"\b(ne|n') ?(me|nous|m')? ?(retire|enlève|enleve|désinscri|désabonn|supprim|raye|ôte)\w{0,4}([- ](moi"
    r"|nous))? (surtout )?pas\b",
    r"\bno (me|nos) (quit|borr|elimin|saqu|dé|den|des)\w{0,4}( de (la|su) lista| de baja)?[!.,]"
    r"|\bquiero seguir en (la|su) lista\b",
    r"\bnão (me|nos) (tir|remov|apag|exclu)\w{0,4}( não)?( da lista)?[!.,]|\bquero continuar na lista\b",
    r"\bhaal (me|mij|ons) er (nog |vooral )?niet (af|uit)\b|\bniet (uitschrijven|afmelden)\b.{0,4}[!.,]",
    r"\bnon (mi|ci) (tolg|cancell|rimuov|elimin)\w{0,4}( dalla lista)?[!.,]|\bvoglio restare (in|nella) lista\b",
)
"""The writer asks to stay."""
_TAPBACK = re.compile(
    r"(liked|loved|disliked|laughed at|emphasi[sz]ed|questioned|reacted .{1,12} to"
    r"|(hat )?.{0,30}(gefällt|mit .{1,12} reagiert)|a aimé|le gustó|gostou de|ha messo) ?.{0,20}[“\"„«]",
    re.I,
)
_PROSE = 6_000
"""Characters of a text in which an opt-out is looked for."""
_QUOTED = re.compile(r"[\"“„«][^\"“”„»«]{1,80}[\"”“»]")


def stop_word(read: "NewText") -> str | None:
    """The keyword that is the whole message, or None. It may be repeated, and a signature may follow.

    In an SMS it is a `stop_word`, which no later label retracts.
    """
    lines = (line.strip() for line in read.own.splitlines())
    first = next((line for line in lines if line and not _GREETING.match(line)), "")
    return next(filter(None, map(keyword, (read.own, read.newest, first))), None)


def is_polite(line: str) -> bool:
    """Whether a line has no other words than those that may stand beside a keyword: "please", "thanks"."""
    return _BESIDE.issuperset(_WORD.findall(folded(line)))


def repeats_our_message(text: str) -> bool:
    """Whether a telephone wrote it: a reaction to a message of ours, with its text."""
    return bool(_TAPBACK.match(text))


def opt_out_words(text: str) -> str | None:
    """The words by which a text seems to opt out, or None. What stands in quotation marks does not count."""
    clean = _QUOTED.sub(" ", _NOT_MEANT.sub(" ", " ".join(text[:_PROSE].split())))
    return _first_hit(clean, _LANGUAGES)


def asks_to_stay(text: str) -> bool:
    """Whether the writer asks not to be taken off the list, which is no opt-out whatever the other words are."""
    return bool(_STAYS.search(" ".join(text[:_PROSE].split())))


def keyword(text: str) -> str | None:
    """The text, if it is nothing but keywords, polite words, marks and emoji."""
    if len(text) > _LONGEST or any(each.isdigit() for each in text):
        return None
    words = _WORD.findall(folded(text).replace("-", " ").replace("ß", "ss"))
    for first, second in _JOINED:
        words = _joined(words, first, second)
    rest = [word for word in words if word not in _BESIDE]
    return " ".join(words)[:200] if rest and KEYWORDS.issuperset(rest) else None


def _joined(words: list[str], first: str, second: str) -> list[str]:
    """The words, with `first second` as one word."""
    return f" {' '.join(words)} ".replace(f" {first} {second} ", f" {first}{second} ").split()


def _first_hit(text: str, patterns: Iterable[re.Pattern[str]]) -> str | None:
    for pattern in patterns:
        hit = pattern.search(text)
        if hit:
            return hit.group(0)[:200]
    return None
