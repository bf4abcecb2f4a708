"""The question how to get off the list, which no question mark lets pass: an opt-out, or a human looks at it."""

import re

from services.outreach.replies.rules import opt_outs
from services.outreach.replies.rules.concepts import folded_line

_LONGEST = 240
"""Characters of a reply that asks for nothing else."""
_ASKS = re.compile(
    r"[^\w]{0,3}(?:(?:hi|hello|hallo|and|und|et|y|e|en|also|so|ok|thanks),? )?(?:how|where|when|can|could|is"
    r"|would|what|wie|wo|wann|kann|konnen|comment|ou|quand|puis|peut"
    r"|pouvez|como|donde|cuando|puedo|se puede|come|dove|quando|posso|si puo|onde|hoe|waar|wanneer|kan|mag)\b"
)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")
_WAYS = re.compile(
    r"\b(?:"
    r"unsub\w*|opt(?:ing)? ?-?out|(?:i|we|me|us|my \w+|possible to) (?:\w+ ){0,2}(?:removed|taken off|deleted"
    r"|unlisted)"
    r"|off (?:of )?(?:this|these|your|the) (?:\w+ )?(?:list|e-?mails?|mails?)|out of (?:this|these|your) (?:\w+ )?"
    r"(?:list|e-?mails?|mails?)|stop (?:\w+ ){0,2}(?:writing|e-?mailing|mailing|contacting|texting|calling|messages"
    r"|e-?mails|mails)|cancel (?:my|the|this) subscription"
    r"|(?:not|to stop) (?:\w+ )?(?:get|getting|receive|receiving) (?:these|this|your|any)|keep (?:getting"
    r"|receiving|writing"
    r"|e-?mailing|mailing|sending|contacting|calling|texting)"
    r"|abmelde\w*|abbestell\w*|austrag\w*|meld\w* (?:\w+ ){0,4}ab|trag\w* (?:\w+ ){0,4}aus|bestell\w* (?:\w+ ){0,4}ab"
    r"|(?:aus|von) (?:de[mr]|dies\w+|ihre\w|eure\w) (?:\w*verteiler|\w*liste|newsletter)|keine (?:e-?)?mails? mehr"
    r"|des(?:abonn|inscri)\w*|(?:sort|retir|enlev|supprim)\w* .{0,20}liste|(?:ne plus|arreter de) recevoir"
    r"|(?:dar|doy|damos|darse|darme|darnos|da uno) de baja|me (?:borro|quito)|des?suscri\w*|desuscri\w*"
    r"|cancel\w+ (?:la|mi|esta) suscripcion|(?:salg|sal|borr|elimin|quit)\w* .{0,20}(?:lista|correos)"
    r"|dejar de recibir"
    r"|(?:cancellar|togliere?|disiscri)(?:mi|si|ci)\w*|mi cancello|disiscri\w*"
    r"|(?:esc|usc|tolg|rimuov|rimoss|cancell)\w* .{0,20}(?:lista|iscrizione|newsletter|elenco)|smettere di ricevere"
    r"|cancel\w+ .{0,10}(?:inscricao|subscricao|assinatura)|descadastr\w*|desinscrev\w*"
    r"|(?:sai|sair|remov|retir)\w* .{0,20}lista|deixar de receber"
    r"|uitschrij\w*|afmeld\w*|meld (?:\w+ ){0,3}af|schrijf (?:\w+ ){0,3}uit|van (?:de|deze|uw|jullie) (?:\w*lijst)"
    r"|geen (?:e-?)?mails? meer"
    r")\b"
)
_SOMETHING_ELSE = re.compile(
    r"\b(?:customers?|clients?|users?|recipients?|subscribers?|members?|leads|people|prospects|someone|somebody"
    r"|kunden"
    r"|nutzer\w*|empfanger\w*|abonnenten|utilisateurs?|destinataires?|abonnes|clienti|utenti|destinatari\w*|iscritti"
    r"|clientes|usuarios?|suscriptores|utilizadores|assinantes|klanten|gebruikers|ontvangers|abonnees|leden"
    r"|patients?|readers?|employees?|mitglied\w*|adherents?|soci|socios|alumn\w*|funcionari\w*|iscritto|outil"
    r"|tool|header"
    r"|included?|inbegriffen|enthalten|dabei|inclus|incluid[oa]|incluso|obligatoire|de onde|de donde|where did"
    r"|months?|monthly|years?|contracts?|fees?|penalty|trial|refund|notice|monat\w*|jahr\w*|jahrlich|vertrag\w*"
    r"|laufzeit"
    r"|kundbar|kundigungsfrist|frist|gebuhr\w*|mois|mensuel\w*|ans|contrat|frais|preavis|essai|mes|meses|mensual\w*"
    r"|contrato|penalizacion|permanencia|prueba|mese|mesi|mensile|contratto|penale|penali|prova|mensal\w*|multa"
    r"|fidelizacao|maand\w*|contract\w*|opzegtermijn|boete|proef\w*)\b"
)
"""Whose leaving a question may be about, and what one leaves that is no list: a contract by the month."""


def asks_the_way_out(text: str) -> bool:
    """Whether a short text asks how the writer gets off the list, and neither how others do nor how a contract ends."""
    line = folded_line(text)
    if len(line) > _LONGEST or _SOMETHING_ELSE.search(line) or opt_outs.asks_to_stay(text):
        return False
    return any(
        (each.endswith("?") or _ASKS.match(folded_line(each)))
        and (_WAYS.search(folded_line(each)) or opt_outs.opt_out_words(each))
        for each in _SENTENCE_END.split(text.strip())
    )
