"""Evidence for a qualification checklist: sentences that say who decides, that money is there, what is needed and when.

Outreach does not know a tenant's checklist. It names four items by the ids that sales teams commonly use (BANT: budget,
authority, need, timing); a tenant whose checklist has an item with such an id gets it ticked, with the sentence.
"""

import re
from datetime import date
from functools import partial

from services.outreach.replies.rules.concepts import any_of
from services.outreach.replies.rules.date_words import fold
from services.outreach.replies.rules.dates import named_days
from services.outreach.replies.rules.line_wraps import unwrapped

SPEAKS = frozenset({"interested", "question", "meeting_request"})
"""Labels with which a reply is evidence: who says no or "later" has qualified for nothing."""
_LONGEST = 3_000
_SENTENCES = 40


_any = partial(any_of, before=r"\b")

# Texts are folded before they are searched: lower case, no accents.
_BUDGET = _any(
    r"(?:budget|money|funding|funds) (?:for (?:it|this) )?(?:is|are|has been|have been|was|were|got) (?:now "
    r"|already |all )?"
    r"(?:approved|signed off|there|in place|released|allocated|set aside|secured|agreed|available)",
    r"(?:have|got|set aside|approved|with) (?:a |the |our |some )?(?:budget|funding|money)\b(?: (?:of|for|to)"
    r"|[.,!]|$)",
    r"(?:have|got) (?:about |around |up to )?[£$€]? ?\d[\d.,]{0,12} ?(?:k|euros?|pounds|dollars|€|£"
    r"|\$)? (?:to spend|set aside)",
    r"budget (?:dafur )?(?:ist|steht|wurde|liegt) (?:bereits |schon )?(?:freigegeben|genehmigt|da|bereit"
    r"|bewilligt|vor|fest)\b",
    r"(?:haben|habe) (?:ein |das |dafur |noch )?budget|mittel (?:sind|wurden) (?:bereits |schon"
    r" )?(?:bewilligt|genehmigt|freigegeben)",
    r"budget (?:est|a ete|vient d'etre) (?:deja )?(?:valide|approuve|vote|alloue|debloque|accorde)",
    r"(?:avons|ai|dispose\w{0,3}) (?:d'un|un|le|du|de) budget",
    r"presupuesto (?:esta |fue |ya esta |ha sido )?(?:aprobado|asignado|autorizado|reservado)|(?:tenemos"
    r"|tengo|hay) presupuesto",
    r"(?:verba|orcamento) (?:esta |foi |ja esta )?(?:aprovad[ao]|liberad[ao]|autorizad[ao]|reservad[ao])"
    r"|(?:temos|tenho|ha) (?:a )?verba",
    r"budget (?:is|staat|werd) (?:al )?(?:goedgekeurd|vrijgemaakt|rond|beschikbaar|gereserveerd)|(?:hebben"
    r"|heb) (?:er )?budget",
    r"budget (?:e|e stato|c'e) (?:gia )?(?:approvato|stanziato|disponibile|deliberato)|abbiamo (?:un "
    r"|il )?budget|fondi (?:sono )?stanziati",
)
_AUTHORITY = _any(
    r"i (?:decide|sign (?:it |them |this )?off|make (?:the|that|these) (?:decision|call)s?|have the (?:final"
    r"|last) (?:say|word))",
    r"i(?:'m| am) the (?:decision[ -]maker|one who (?:decides|signs)|owner|person who decides)|(?:decision"
    r"|call) is mine",
    r"(?:it's|that's|it is|that is) my (?:call|decision)|(?:board|management|boss|ceo|cfo|partners) (?:has |have )?"
    r"(?:approved|signed (?:it )?off|agreed|given (?:us |me )?the (?:go-ahead|green light))",
    r"(?:ich|wir) entscheide\w{0,2} (?:das|daruber|allein|selbst)|die entscheidung (?:liegt bei mir|treffe ich)"
    r"|(?:geschaftsfuhrung|vorstand|chef\w{0,2}|gremium) hat (?:es |das |dem )?(?:schon |bereits"
    r" )?(?:zugestimmt|freigegeben|genehmigt)",
    r"c'est moi qui (?:decide|signe|tranche)|je decide|(?:direction|conseil|comite) a (?:deja )?(?:valide"
    r"|approuve|donne son (?:feu vert|accord))",
    r"(?:yo )?decido yo|soy (?:yo )?quien (?:decide|firma)|la decision es mia|(?:direccion|consejo|gerencia"
    r"|jefe) (?:ya )?(?:lo )?(?:ha )?(?:aprobado|aprobo)",
    r"(?:sou eu quem|quem) (?:decide|assina)(?: sou eu)?|a decisao e minha|(?:direcao|diretoria"
    r"|chefe) (?:ja )?(?:aprovou|deu o aval)",
    r"ik beslis|de beslissing (?:ligt bij mij|is aan mij)|(?:directie|bestuur|baas) (?:is|heeft)"
    r" (?:al )?(?:akkoord|goedgekeurd|ingestemd)",
    r"decido io|la decisione (?:e mia|spetta a me)|(?:direzione|consiglio|capo) ha (?:gia )?(?:approvato|dato l'ok)",
)
_NEED = _any(
    r"we (?:really |urgently |badly |do |desperately )?need (?:a |an |new |something|someone|somebody|help"
    r"|more|exactly|this|it\b)",
    r"(?:we're|we are|we've been|i'm|i am|have been) (?:actively |currently )?looking (?:for|to replace)"
    r"|in (?:urgent )?need of",
    r"(?:exactly|just) what (?:we|i) (?:need|are looking for|was looking for|have been looking for)",
    r"wir (?:brauchen|benotigen|suchen)\b|(?:genau das|dringend) (?:brauchen|suchen|benotigen) wir"
    r"|haben (?:dringend(?:en)? )?bedarf",
    r"(?:nous avons|on a) (?:vraiment |grand )?besoin|(?:nous cherchons|on cherche|nous recherchons)"
    r"|exactement ce qu'il nous faut",
    r"necesitamos|estamos buscando|buscamos|justo lo que (?:necesitamos|buscamos)",
    r"precisamos de|estamos (?:a procura|procurando|precisando)|procuramos|exatamente o que (?:precisamos"
    r"|procuramos)",
    r"(?:we|wij) (?:hebben (?:echt |dringend )?\w{0,20} ?nodig|zoeken)|precies wat (?:we|wij) (?:nodig hebben"
    r"|zoeken)",
    r"(?:abbiamo|ho) (?:davvero |proprio )?bisogno|(?:stiamo cercando|cerchiamo)|proprio (?:quello"
    r"|cio) che (?:ci serve|cerchiamo)|ci serve",
)
_START = _any(
    r"(?:start|go(?:ing)? live|be live|switch(?:ing)?|roll(?:ing)? (?:it )?out|up and running|in place"
    r"|installed|decide|have it|need it|deadline)\b",
    r"(?:starten|loslegen|beginnen|umstellen|live gehen|einfuhren|eingefuhrt|entscheiden|brauchen"
    r" (?:wir )?(?:es|das)|laufen|in betrieb)\b",
    r"(?:demarrer|commencer|lancer|basculer|en service|en place|decider|mise en)\b",
    r"(?:empezar|arrancar|comenzar|implantar|decidir|en marcha|listo)\b",
    r"(?:comecar|arrancar|iniciar|implantar|decidir|no ar|a funcionar|rodando)\b",
    r"(?:overstappen|van start|draaien|beslissen|live gaan|in gebruik)\b",
    r"(?:partire|iniziare|cominciare|avviare|decidere|operativi|in funzione)\b",
)
_BACKED_OUT = re.compile(
    r"\b(?:not?|never|without|cannot|kein\w{0,2}|nicht|nie|ohne|pas|aucun\w?|sans|sin|nunca|ningun\w{0,2}|nao"
    r"|sem|nenhum\w?"
    r"|geen|niet|zonder|non|senza|nessun\w?|if|once|unless|until|when|whether|wenn|falls|sobald|ob|si|quand"
    r"|lorsque|cuando"
    r"|quando|se|als|zodra|frozen|spent|cut|eingefroren|gestrichen|gele|congelado|bevroren|bloccato)\b|n't\b"
)
"""A sentence with one of these promises nothing: it is negative, or on a condition."""
_SENTENCE = re.compile(r"[^.!?\n]{1,400}(?:[.!?](?=\d)[^.!?\n]{1,200}){0,5}[.!?]{0,3}")
_ITEMS = {"budget": _BUDGET, "authority": _AUTHORITY, "need": _NEED}


def evidence_of(label: str, text: str, today: date) -> list[dict[str, str]]:
    """The items for which a reply is evidence, each with the first sentence that says so: `[{item, sentence}]`."""
    if label not in SPEAKS:
        return []
    found: dict[str, str] = {}
    for number, hit in enumerate(_SENTENCE.finditer(unwrapped(text[:_LONGEST]))):
        sentence = " ".join(hit.group(0).split())
        folded = fold(sentence)
        if number == _SENTENCES or sentence.endswith("?") or _BACKED_OUT.search(folded):
            continue
        for item, pattern in _ITEMS.items():
            if pattern.search(folded):
                found.setdefault(item, sentence)
        if _START.search(folded) and any(each.day > today for each in named_days(folded, today)):
            found.setdefault("timing", sentence)
    return [{"item": item, "sentence": sentence[:500]} for item, sentence in found.items()]
