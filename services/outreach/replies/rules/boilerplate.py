"""What firms put below every mail: confidentiality, privacy law, ways to unsubscribe, registers. In seven languages.

No single word makes a text boilerplate, because people write "unsubscribe" and "confidential" too: signs of several
kinds do, or a sentence that nobody writes to one person. Texts are folded before they are searched.
"""

import re
from collections.abc import Mapping

from services.outreach.replies.rules import opt_outs
from services.outreach.replies.rules.concepts import folded_line

_SURE, _CERTAIN, _HINT = 4, 2, 1
ENOUGH = 2
"""The weight of signs that makes a text boilerplate."""
ENOUGH_TO_ASK = 4
"""The weight for a text in the first person that asks, or has words of an opt-out: nobody says these of himself."""
_LONGEST = 3_000
"""Characters of a text that are searched."""

_THIS_MAIL = (
    r"(?:this|the) (?:e-?mail|message|mail|communication|transmission)"
    r"|(?:diese[rs]?|die) (?:e-?mail|mail|nachricht)|(?:cet?|cette|le present) (?:e-?mail|message|courriel|mail)"
    r"|(?:este|esta|el presente) (?:e-?mail|mensaje|correo|comunicacion|mensagem|comunicacao)"
    r"|(?:quest[oa]|la presente) ?(?:e-?mail|messaggio|mail|comunicazione)|(?:dit|deze) (?:e-?mail|mail|bericht)"
)
_MAILS = (
    r"(?:e-?mails?|mails?|messages?|newsletters?|nachrichten|werbung|informationen|courriels?|correos?|mensajes"
    r"|comunicaciones|mensagens|comunicacoes|comunicazioni|messaggi|berichten|nieuwsbrief|nieuwsbrieven)"
)

_BEGINNING = 200
"""Characters within which boilerplate shows its first sign."""

_SIGNS: Mapping[str, tuple[int, Mapping[str, str]]] = {
    "whom it is for": (
        _CERTAIN,
        {
            "English": r"if you (?:are|were|be) not (?:the|an?|one of the) .{0,20}(?:recipient|addressee)"
            r"|(?:solely|only|exclusively) (?:for|to) the .{0,40}(?:recipient|addressee|individual|entity|person)"
            r"|intended (?:solely|only|exclusively)|if (?:you |it )?(?:have |has been |is |was |were )?"
            r"(?:receive\w?|received|got) .{0,40}\b(?:in error|by mistake)|if received in error"
            r"|not the (?:named|intended) (?:recipient|addressee)",
            "German": r"nicht (?:der|die) .{0,20}(?:adressat|empfanger)|(?:irrtumlich|versehentlich|falschlich) "
            r"(?:erhalten|zugesandt|zugestellt|bekommen)|ausschliesslich fur .{0,40}(?:adressat|empfanger)",
            "French": r"si vous n'(?:etes|en etes) pas (?:le|la|les|l'un des)|(?:recu|parvenu|adresse) .{0,30}par "
            r"erreur|(?:destine|adresse)\w{0,2} (?:exclusivement|uniquement|a l'usage exclusif)"
            r"|(?:exclusivement|uniquement) (?:destine|a l'attention)",
            "Spanish": r"si (?:usted )?no es .{0,20}destinatario|(?:recibido|recibe|recibio) .{0,40}por error"
            r"|(?:dirigid|destinad)[oa] exclusivamente",
            "Portuguese": r"(?:se|caso) .{0,30}nao (?:for|e|seja) .{0,20}destinatari|(?:recebeu|recebido|receber)"
            r" .{0,40}(?:por engano|por erro|indevidamente)|(?:destinad|dirigid)[oa] exclusivamente",
            "Dutch": r"niet (?:de|het) (?:geadresseerde|beoogde|bedoelde)|niet voor u bestemd"
            r"|(?:ten onrechte|abusievelijk|per vergissing|per abuis) .{0,20}(?:ontvang|heeft)"
            r"|uitsluitend bestemd|alleen bestemd voor",
            "Italian": r"(?:se|qualora) .{0,20}non (?:e|siete|fosse|foste|sia) .{0,20}destinatar"
            r"|(?:ricevut|pervenut)\w .{0,40}(?:per|in) errore|esclusivamente (?:al|ai|per) ?.{0,20}destinatar",
        },
    ),
    "which mail": (_HINT, {"any": _THIS_MAIL}),
    "attachments": (
        _HINT,
        {
            "any": r"(?:and|including|with|any|its) (?:any |its |all )?(?:attachments?|attached files?)|anhange?\b"
            r"|pieces jointes|archivos? adjuntos?|sus anexos|seus anexos|allegat[oi]|bijlagen?"
        },
    ),
    "confidential": (
        _HINT,
        {
            "any": r"confidential|privileged|vertraulich|confidentiel|confidencia[il]|\briservat|confidenziali"
            r"|vertrouwelijk|secreto profesional|sigilo|geheimhaltung"
        },
    ),
    "what to do with it": (
        _HINT,
        {
            "English": r"(?:delete|destroy|remove|erase|discard) (?:it|this|the|all|any|both)\b|(?:notify|inform"
            r"|contact|advise|tell) (?:the )?(?:sender|addressee|us immediately)|do not (?:copy|disclose|forward"
            r"|distribute|use|read|contact the)|(?:disclosure|copying|distribution|dissemination|unauthori[sz]ed)"
            r"|all copies|prohibited|from your (?:system|computer)",
            "German": r"(?:loschen|vernichten) sie|(?:absender|uns) (?:bitte )?(?:sofort|umgehend|unverzuglich)"
            r"|den absender|unbefugte|unerlaubte|nicht gestattet|weitergabe",
            "French": r"(?:supprimer|detruire|l'effacer)|l'expediteur|divulgation|diffusion|reproduction|interdite",
            "Spanish": r"\b(?:eliminarl[oa]|elimine(?:l[oa])?|borr[ae]|destruy[ae]|destruirl[oa])\b|(?:al|el) remitente"
            r"|divulgacion|prohibid",
            "Portuguese": r"\b(?:elimin[ae]|apagu?e|destrua)\b|(?:ao|o) remetente|divulgacao|proibid",
            "Dutch": r"(?:verwijderen|vernietigen|te wissen)|(?:de|aan) (?:de )?afzender|openbaarmaking|verboden",
            "Italian": r"(?:eliminarl[oa]|cancellarl[oa]|distrugger\w{0,3})|(?:al|il) mittente|divulgazione|vietat",
        },
    ),
    "who wants to leave": (
        _SURE,
        {
            "English": r"if you (?:no longer|do not|don't|would rather not|prefer not to) .{0,25}(?:receive|hear|get)\b"
            rf"|don't want our .{{0,20}}(?:{_MAILS}|offers)",
            "German": r"(?:wenn|falls|sollten|mochten) sie .{0,60}(?:keine|nicht mehr|nicht langer) .{0,60}"
            r"(?:erhalten|empfangen|bekommen|wunschen|mochten)|mochten sie unseren .{0,30}nicht mehr"
            r"|sie mochten .{0,40}(?:keine|nicht mehr) .{0,40}erhalten",
            "French": r"si vous ne (?:souhaitez|voulez|desirez) (?:plus|pas) .{0,30}(?:recevoir|etre|voir)",
            "Spanish": r"si (?:usted )?(?:no desea|no quiere|prefiere no|ya no desea|no deseas) .{0,30}(?:recib"
            r"|contact)",
            "Portuguese": r"(?:(?:se|caso) (?:voce )?(?:nao|ja nao)|\bnao) (?:deseja|deseje|desejar|quiser|queira"
            r"|pretenda|pretende) (?:mais |continuar a )?(?:receber|ser contact)",
            "Dutch": r"(?:als|indien|wilt|wenst) u (?:geen|niet (?:langer|meer))\b.{0,60}(?:ontvang|wilt|wenst)",
            "Italian": r"(?:se|qualora) non (?:desidera|desideri|desiderate|vuole|vuoi|volete|intende|intendete) "
            r"(?:piu )?(?:ricevere|essere)",
        },
    ),
    "how to leave": (
        _CERTAIN,
        {
            "English": r"(?:^|[.!|:;,>\-] ?)(?:to|you can|you may) (?:unsubscribe|opt out|stop receiving|be removed)\b"
            r"|you (?:are receiving|receive|get|got|received) this (?:\S{1,10} )?because"
            r"|(?:manage|update|change|edit) (?:your )?(?:\S{1,20} )?preferences"
            r"|unsubscribe (?:here\b|at any time|:|\||https?:)|unsubscribe: ?https?:|click (?:here|below) to "
            r"unsubscribe|(?:^|\| ?)unsubscribe ?\||\| ?unsubscribe\b"
            r"|reply (?:\w{1,20} )?(?:stop|remove|unsubscribe|off)\b.{0,30}\b(?:opt out|taken off|off|unsubscribe)\b",
            "German": r"newsletter abbestellen ?(?:$|[|:])|abmelden ?:|\b(?:ein|der) widerspruch ist "
            r"|sie konnen .{0,60}(?:widersprechen|widerrufen|abbestellen|abmelden)",
            "French": r"pour (?:vous|se) des(?:abonner|inscrire)|(?:desabonnement|desinscription|se desabonner"
            r"|vous desabonner) ?:|vous pouvez .{0,40}(?:vous opposer|vous desinscrire|vous desabonner|exercer)",
            "Spanish": r"(?:^|[.,;] ?)para darse de baja|darse de baja ?:"
            r"|puede .{0,30}(?:darse de baja|oponerse|ejercer|ejercitar)",
            "Portuguese": r"para (?:cancelar (?:a )?(?:sua )?(?:inscri|subscri)|deixar de receber)"
            r"|pode(?:ra)? .{0,30}(?:opor-se|exercer (?:os )?seus)",
            "Dutch": r"afmelden ?:|klik hier om|u kunt .{0,40}(?:afmelden|uitschrijven|bezwaar)",
            "Italian": r"(?:^|[.!|;,] ?)per (?:non ricevere|cancellarsi|disiscriversi|annullare l'iscrizione)"
            r"|puo .{0,40}(?:opporsi|esercitare|revocare|cancellarsi)",
        },
    ),
    "your rights": (
        _CERTAIN,
        {
            "English": r"you have (?:the|a) right|your (?:privacy |data protection |legal )?rights\b"
            r"|exercise (?:your|these|those) rights|right (?:of|to) access",
            "German": r"sie haben .{0,30}(?:recht|widerspruchsrecht)\b|ihre rechte\b|recht auf auskunft|ihnen steht",
            "French": r"vous (?:disposez|beneficiez|avez) .{0,30}droits?\b|vos droits|droits? d'acces,",
            "Spanish": r"(?:sus|los) derechos|derechos? de acceso|usted tiene",
            "Portuguese": r"(?:seus|os) direitos|direitos? de acesso|o titular\b|titular(?:es)? dos dados",
            "Dutch": r"u heeft .{0,20}recht|uw rechten|recht op inzage",
            "Italian": r"i (?:suoi|vostri|tuoi|propri) diritti|diritti di cui|diritto di accesso|gli interessati",
        },
    ),
    "privacy law": (
        _HINT,
        {
            "any": r"\b(?:gdpr|rgpd|dsgvo|ds-gvo|lgpd|lopd\w*|bdsg)\b|2016/679|informatique et libertes"
            r"|13\.709|196/2003"
        },
    ),
    "personal data": (
        _HINT,
        {
            "any": r"privacy (?:policy|notice|statement)|personal data|data controller|datenschutz|verantwortlicher\b"
            r"|personenbezogene|politique de confidentialite|donnees (?:personnelles|a caractere|vous concernant)"
            r"|responsable d[ue]l? (?:traitement|tratamiento|fichero)|datos (?:personales|de caracter)"
            r"|politica de priva|proteccion de datos|dados pessoais|protecao de dados|tratamento (?:de|dos) dados"
            r"|informativa|dati personali|trattamento dei dati|titolare del|privacyverklaring|persoonsgegevens"
        },
    ),
    "register": (
        _HINT,
        {
            "any": r"\bamtsgericht\b|handelsregister|\bust-?id|\bsiret\b|\brcs\b|registro mercantil|\bcnpj\b|\bp\. "
            r"?iva\b|\bkvk\b"
        },
    ),
    "register, by number": (
        _CERTAIN,
        {
            "any": r"registered in (?:england|scotland|ireland|wales)|authori[sz]ed and regulated|\bhr[ab] ?\d"
            r"|geschaftsfuhrer(?:in)? ?:|registergericht|sitz der gesellschaft|(?:amtsgericht|handelsregister) "
            r".{0,30}\d{3}|capital (?:social )?de \d"
        },
    ),
    "paper and viruses": (
        _CERTAIN,
        {
            "any": r"before (?:you )?print|vor dem (?:aus)?drucken|avant d'imprimer|antes de imprimir"
            r"|prima di stampare|voordat u .{0,20}print|virus[- ]free|scanned (?:by|for)|msg ?& ?data rates"
        },
    ),
    "list": (
        _CERTAIN,
        {
            "any": r"to post to this list|(?:e-?mail|message|mail) was sent (?:to you )?by|report it at https?:"
            r"|^\S{1,30} mailing list$"
        },
    ),
    "machines": (_CERTAIN, {"any": r"\b(?:ki|ai)[- ]?(?:systeme|systems?|assistants?)\b"}),
}
"""Signs by kind, with the weight of one of the kind: what firms write below their mails."""

_I = re.compile(
    r"\b(?:i|i'm|i've|i'd|me|my|we|we're|ich|mich|mir|mein\w{0,2}|wir|je|moi|mon(?= [a-z])|ma|mes|yo|mi|mis"
    r"|eu|meus?|minhas?|ik|mij|mijn|io|mio|mia|miei)\b|\b[jm]'\w"
)
_US = re.compile(
    r"\b(?:us|our|uns|unser\w{0,2}|nous|notre|nos|nuestr\w{1,2}|noss[oa]s?|ons|onze|wij|ci|noi|nostr\w)\b|\w[aei]n?(?:me|nos)\b|\w{2}[aei](?:mi|ci)\b|-(?:me|nos|moi|nous)\b"
)
_KINDS = tuple((weight, re.compile("|".join(words.values()))) for weight, words in _SIGNS.values())


def weight_of(text: str) -> int:
    """What the signs of boilerplate in a text weigh, each kind once; 0 where a letter stands before the first."""
    plain = _plain(text)
    found = [(hit.start(), weight) for weight, pattern in _KINDS if (hit := pattern.search(plain))]
    return sum(weight for _, weight in found) if found and min(found)[0] <= _BEGINNING else 0


def is_boilerplate(text: str) -> bool:
    """Whether a text is what a firm puts below every mail, and not what somebody wrote or asks."""
    weight = weight_of(text)
    if weight < ENOUGH:
        return False
    asks = ("?" in text or opt_outs.opt_out_words(text) is not None) and bool(_I.search(_plain(text)))
    return not asks or weight >= ENOUGH_TO_ASK


def is_in_the_first_person(text: str) -> bool:
    """Whether somebody speaks of himself, or of his firm."""
    plain = _plain(text)
    return bool(_I.search(plain) or _US.search(plain))


def _plain(text: str) -> str:
    return folded_line(text[:_LONGEST])
