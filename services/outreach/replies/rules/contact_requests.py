"""What a writer asks for who does not opt out: to be contacted, on the other channel, or not before a day.

All patterns are searched in folded text: lower case, no accents, plain apostrophes.
"""

import re
from datetime import date

from services.outreach.replies.rules import opt_outs
from services.outreach.replies.rules.concepts import any_of, folded_line
from services.outreach.replies.rules.date_words import fold
from services.outreach.replies.rules.dates import NamedDay, named_days

_READ = 2_000
"""Characters of a text in which a request is looked for."""


_CONTACT = any_of(
    r"\b(contact|call|phone|ring|text|message|e-?mail|write( to)?|reach|ping) (me|us)\b"
    r"|\b(get in touch|be in touch|get back) (with|to) (me|us)|\bget in touch w(ith)?\b"
    r"|\breach out to (me|us)\b|\b(me|us) a (call|ring|shout|line|text|message)\b",
    r"\b(kontaktier\w*|anrufen|anzurufen|erreichen)\b|\b(mich|uns)\b.{0,40}\b(an|kontakt\w*)\b|\bkontakt (mit|zu)\b"
    r"|\bmeld\w* (sie )?(sich|dich|euch)\b|\bruf\w* (sie )?(mich|uns)\b|\bschreib\w* (sie )?(mir|uns)\b",
    r"\b((re)?contact\w*|(re)?joindre|rappel\w*|appel\w*|ecri\w*)[- ](moi|nous)\b|\b(me|nous|m') ?(re)?(contact"
    r"|joindre|appel|rappel|ecri)\w*|\bcontact avec (moi|nous)\b|\bveuillez contacter\b",
    r"\bcontact\w*(me|nos)\b|\b(me|nos) (puede\w* )?(contact|llam|escrib)\w*|\ben contacto con(migo)?\b"
    r"|\b(llam|escrib)\w*(me|nos)\b",
    r"\b(ri)?contatt\w*(mi|ci)\b|\b(mi|ci) (puo |puoi |potete )?(ri)?(contatt|chiam|scriv)\w*"
    r"|\bin contatto con (me|noi)\b|\b(chiam|scriv)\w*(mi|ci)\b",
    r"\b(contat|contact|lig|escrev)\w*-?(me|nos)\b|\b(me|nos) (contat|contact|lig|escrev|cham)\w*"
    r"|\bem contac?to (com(igo)?|connosco)\b",
    r"\b(neem|neemt|nemen|opnemen|op te nemen)\b.{0,40}\bcontact\b|\bcontact (met|op)\b|\bcontacte(er|ren)\b"
    r"|\b(bel|belt|mail|mailt) (u )?(mij|me|ons)\b|\b(mij|me|ons) (telefonisch )?(bellen|mailen|bereiken)\b",
)
"""The writer wants to be contacted, or says how."""
_LISTED = any_of(
    r"\b(add|subscribe|include|enrol|enroll) (me|us|my|our)\b"
    r"|\b(put|sign) (me|us)\b.{0,20}\b(on|up|onto)\b(?!.{0,20}\bdo.not)",
    r"\b(nehm|nimm|setz|trag)\w*\b.{0,40}\b(auf|ein)\b|\b(mich|uns)\b.{0,40}\b(aufnehmen|eintragen|anmelden)\b",
    r"\b(ajout|inscri|inclu|abonn)\w*[- ](moi|nous)\b|\b(m'|me |nous )(ajout|inscri|inclu|abonn)\w*",
    r"\b(anad|inclu|suscrib|apunt|agreg)\w*(me|nos)\b|\b(me|nos) (anad|inclu|suscrib|apunt|agreg)\w*",
    r"\b(aggiung|iscriv|inser)\w*(mi|ci)\b|\b(mi|ci) (aggiung|iscriv|inser)\w*",
    r"\b(adicion|inscrev|inclu|acrescent)\w*-?(me|nos)\b|\b(me|nos) (adicion|inscrev|inclu|acrescent)\w*",
    r"\b(zet|voeg|schrijf)\b.{0,30}\b(op|toe|in)\b",
)
"""The writer wants to be on the list."""
_SENT = any_of(
    r"\b(re-?send|send (it |that |them |this )?(again|once more))\b|\b(more|further|additional) (information|info"
    r"|infos|details)\b|\b(spam|junk)( mail)? ?(folder|box)?\b.{0,3}$|\b(in|from|to|among|out of) (my|our|the) (spam"
    r"|junk)\b|\b(stop|drop|come|swing) (by|over|in)\b.{0,30}\b(any|when)|\btell (me|us) more\b|\bhear more\b",
    r"\b(mehr|weitere|nahere|genauere) (infos?|informationen|details|angaben)\b|\b(noch ?(ein)?mal|erneut)\b.{0,20}"
    r"\b(send|schick|zusend|zuschick)\w*|\bspam-?ordner\b|\bim spam\b|\bmehr erfahren\b|\bvorbei",
    r"\b(plus|davantage) d'info\w*|\b(plus|davantage) de (details|renseignements)\b|\brenvo(y|i)\w*"
    r"|\b(dans|parmi) (le |les |mes |mon )?(courriers? )?(indesirables?|spams?)\b|\bpass(ez|e) (nous voir|quand"
    r"|me voir)|\ben savoir plus\b",
    r"\bmas (info\w*|detalles|datos)\b|\breenvi\w*|\b(otra vez|de nuevo)\b.{0,10}\b(envi|mand)\w*"
    r"|\b(envi|mand)\w*.{0,30}\b(otra vez|de nuevo)\b|\b(en|carpeta de) (el )?(spam|no deseado)\b|\bpas(e"
    r"|en) cuando\b|\bsaber mas\b",
    r"\b(maggiori|piu|altre|ulteriori) (info\w*|dettagli)\b|\b(rimand|reinvi|rinvi)\w*|\bnello spam\b"
    r"|\bpass(i|ate) (pure )?quando\b|\bsaperne di piu\b",
    r"\bmais (info\w*|detalhes|dados)\b|\breenvi\w*|\b(envi|mand)\w*.{0,30}\b(outra vez|de novo|novamente)\b"
    r"|\b(no|de) (spam|lixo)\b|\bpasse(m)? quando\b|\bsaber mais\b",
    r"\b(meer|nadere|verdere) (info\w*|details|gegevens)\b|\b(opnieuw|nog eens|nogmaals)\b.{0,20}\b(stuur|sturen"
    r"|mail\w*|zend\w*)\b|\bspam(map|box)\b|\bin (de |mijn )?spam\b|\bkom (gerust|maar)? ?(eens )?langs\b"
    r"|\bmeer weten\b",
)
"""The writer wants something sent, or wants a visit."""
_HARMLESS = any_of(
    r"\b(in|im|from|dans|parmi|en|nello|no|de|to|my|your|our|the|mi|mijn|junk|carpeta|mon|mes|les|nel|da|na)"
    r" (spam|junk)\b|\bspam-?(ordner|map|box|folder)\b",
    r"\b(do ?n[o']?t|do not|never) hesitate\b|\bwhy not\b|\bno problem\b|(n't|\b(never|not"
    r"|cannot)) (ever )?(got|received"
    r"|arrived|found|heard|reached|seen|(get|receive|find|see|open|hear|read) (your|the|any|it|of))\b",
    r"\bzogern sie nicht\b|\b(nie|nicht)( mehr)? (angekommen|erhalten|bekommen|gefunden|gesehen|gehort)\b"
    r"|\b(finde|habe)\b[^.!?]{0,40}\b(nicht|nie|keine)\b",
    r"\b(n'|ne )?hesitez (surtout )?pas\b|\b(n'ai|n'avons|ne trouve|n'est) (plus |jamais |pas )?(recu|retrouve"
    r"|trouve|arrive\w*)?( pas| plus)?\b",
    r"\bno dud\w+ en\b|\b(no|nunca) (me |nos |he |hemos )?(recib|encuentr|lleg|encontr)\w*",
    r"\bnon esit\w+\b|\bnon (ho |abbiamo |trov)(mai )?(ricevuto|trovato)?\w*",
    r"\bnao hesit\w+\b|\b(nao|nunca) (recebi|recebemos|encontro|encontrei|chegou)\b",
    r"\baarzel (dan )?niet\b|\b(nooit|niet) (ontvangen|gekregen|gevonden|aangekomen|gezien)\b",
)
"""Words of refusal that refuse nothing."""
_REFUSAL = any_of(
    r"n't\b|\b(not|dont|doesnt|wont|cant|no|nor|never|neither|nobody|without|cease|quit|refrain\w*|remove\w*"
    r"|delete\w*"
    r"|erase|un-?subscribe\w*|opt(ing|ed)? ?out|take (me|us)|leave (me|us)|last (time|warning|chance)|enough|if|when"
    r"|next time|keep|kept|why|who|how dare|lawyer|report\w*|sue|harass\w*|again (and|or)|wrong"
    r"|drop (me|us)|block\w*|complain\w*|spam\w*|junk)\b"
    r"|\bstop\w*\b(?! (by|over|in)\b)",
    r"\b(nicht|nie\w{0,5}|kein\w{0,3}|weder|unterlass\w*|aufhor\w*|hor\w* (sie )?auf|wenn|warum|wieso|wer|anwalt"
    r"|losch\w*|streich\w*|abmeld\w*|austrag\w*|abbestell\w*|sperr\w*|gesperrt|blockier\w*|markier\w*"
    r"|beschwer\w*|verbiete\w*|untersag\w*|raus\w*)\b",
    r"\b(ne|pas|jamais|aucun\w*|arret\w*|cess\w*|si vous|pourquoi|avocat|plainte|derniere fois|bloqu\w*"
    r"|signal\w*|sort\w+ d|supprim\w*|retir\w*|desinscri\w*"
    r"|desabonn\w*)\b|\bn'",
    r"\b(nunca|ni|jamas|dej\w+ de|basta|por que|abogado|denunci\w*|bloque\w*|borr\w*|elimin\w*|quit\w*|baja|sin)\b",
    r"\b(non|mai|smett\w*|finit\w*|nn|perche|avvocato|denunci\w*|blocc\w*|cancell\w*|rimuov\w*|togli\w*"
    r"|disiscri\w*)\b",
    r"\b(nao|nem|par\w+ de|deix\w+ de|porque|advogado|remov\w*|apag\w*|cancel\w*|descadastr\w*)\b",
    r"\b(niet|nooit|geen|nergens|noch (met|mij|ons)|blok\w*|niemand|waarom|advocaat|verwijder\w*|uitschrij\w*"
    r"|afmeld\w*|hou\w* op)\b",
)
"""Words with which a text may refuse, threaten or complain."""
_NO = (
    r"(?:n't|\b(?:dont|not|never|stop|no|kein\w{0,3}|nicht|nie|ne|pas(?: de)?|non|niente|nessun\w?|nao|sem|sin|geen"
    r"|niet))"
)
_CALLED = (
    r"(?:call\w*|phon\w*|ring\w*|text(?:ing|s)?|txt|sms|anruf\w*|telefon\w*|telephon\w*|appel\w*|llam\w*"
    r"|chiam\w*|lig\w*"
    r"|chamad\w*|bel|bellen|belt)"
)
_BUT = (
    r"(?:but|just|please|instead|rather|sondern|lieber|bitte|mais|plutot|merci|sino|mejor|ma|meglio|mas|melhor|maar"
    r"|liever|graag)"
)
_ON = rf"(?:(?! {_BUT}\b)[^.!?,;:–\n]){{0,60}}"
_FORBIDS_A_CALL = any_of(
    rf"{_NO} (?:[\w'-]+[ ']){{0,2}}{_CALLED}\b{_ON}",
    rf"\b(?:ruf\w*|bel|appel\w*|telefon\w*)\b[^.!?,;:–\n]{{0,25}}\b(?:nicht|niet|pas)\b{_ON}",
    r"\bn'appel\w*",
)
"""The part of a sentence that forbids calls or texts."""
_WRITE = (
    r"(?:e-?mail\w*|mail\w*|correo|courriel|writ\w*|schreib\w*|schrift\w*|ecri\w*|escrib\w*|escrev\w*|scriv\w*"
    r"|schrijf\w*)"
)
_OTHER_CHANNEL = any_of(
    rf"\b{_WRITE}\b", r"\b(call|phone|ring|text) (me|us|instead|is|works)\b|\b(by|per|par|por|via) (phone|text|sms)\b"
)
_ALL_CHANNELS = re.compile(rf"\b(or|nor|and|oder|und|ou|et|ni|o|y|e|ne|nem|of|en|noch) (\w+ )?{_WRITE}\b")
_UNTIL = re.compile(r"\b(?:until|till?|bis|jusqu'(?:a|au|en)|hasta|fino a\w*|ate|tot)\b")
_BEFORE = re.compile(r"\b(?:before|prior to|ahead of|vor|avant|antes d\w+|prima d\w+|voor)\b")
_STOP = re.compile(
    r"\b(?:stop|cease|quit|cess\w*|arret\w*|dej\w+ de|smett\w*|par\w+ de|deix\w+ de|hor\w* .{0,10}auf)\b"
)
_FOR_EVER = re.compile(
    r"\b(?:remov\w*|delet\w*|unsub\w*|eras\w*|opt(?:ing)? ?out|off|list\w*|losch\w*|streich\w*|abmeld\w*|verteiler"
    r"|supprim\w*|retir\w*|desabonn\w*|desinscri\w*|borr\w*|elimin\w*|baja|cancell\w*|disiscri\w*|apag\w*"
    r"|descadastr\w*"
    r"|verwijder\w*|uitschrij\w*|afmeld\w*|unterlass\w*|frist\w*|deadline|lawyer|anwalt\w*|avocat|abogado|avvocato"
    r"|advogado|advocaat|gdpr|dsgvo|rgpd|avg|if|otherwise|wenn|sonst)\b"
)
_SENTENCE_END = re.compile(r"(?<=[^\d][.!?])\s+|\n+")
_LONGEST = 160
"""Characters of a sentence that says so."""
_LONGEST_LETTER = 400
"""Characters of a text that says so; a longer one sets terms, and has more to say."""
_AT_ONCE = 20
"""Characters between "before" and the day: "before the end of May"."""
_SOME_DAY = date(2000, 1, 1)
"""Any day will do as today: only whether a day is named counts."""


def asks_for_contact(text: str) -> bool:
    """Whether a text asks to be contacted, listed or sent something, and has no word of refusal."""
    line = folded_line(text[:_READ])
    if not any(pattern.search(line) for pattern in (_CONTACT, _LISTED, _SENT)):
        return False
    return not _REFUSAL.search(_HARMLESS.sub(" ", line))


def asks_for_another_channel(text: str) -> bool:
    """Whether a text forbids no more than calls or texts, and asks to write, or to call, instead."""
    line = folded_line(text[:_READ])
    rest = _FORBIDS_A_CALL.sub(" ", line)
    if rest == line or _ALL_CHANNELS.search(line) or _REFUSAL.search(_HARMLESS.sub(" ", rest)):
        return False
    return bool(_OTHER_CHANNEL.search(rest))


def waits_for_a_day(text: str) -> str | None:
    """The sentence that wants no message before a day, where no other one opts out: "not before May". None: none."""
    if len(text) > _LONGEST_LETTER:
        return None
    sentences = _SENTENCE_END.split(text)
    found = next((each for each in sentences if _names_the_day(each)), None)
    others = " ".join(each for each in sentences if each != found)
    return None if found is None or opt_outs.opt_out_words(others) else found.strip()


def _names_the_day(sentence: str) -> bool:
    folded = fold(sentence)
    if len(folded) > _LONGEST or _FOR_EVER.search(folded) or not _REFUSAL.search(folded):
        return False
    patterns = (_UNTIL,) if _STOP.search(folded) else (_UNTIL, _BEFORE)
    ends = [hit.end() for pattern in patterns for hit in pattern.finditer(folded)]
    return bool(ends) and any(_follows(day, ends) for day in named_days(folded, _SOME_DAY))


def _follows(named: NamedDay, ends: list[int]) -> bool:
    return named.day > _SOME_DAY and any(0 <= named.start - end <= _AT_ONCE for end in ends)
