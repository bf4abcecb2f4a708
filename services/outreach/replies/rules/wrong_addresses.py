"""Whether the writer says that the number or address that we wrote to is not the lead's. Texts are folded."""

import re
from collections.abc import Mapping

from services.outreach.replies.rules.concepts import folded_line

_LONGEST = 2_000
_WRONG_ADDRESS: Mapping[str, str] = {
    "English": r"\bwrong (?:phone |mobile |cell )?(?:number|no|num|nr|phone|address|e-?mail|mailbox)\b"
    r"|\bnot (?:the right|a|his|her|their|my|\w{2,20}'s) (?:number|phone|address|e-?mail)\b"
    r"|\b(?:this|it)(?:'s| is|s)? ?(?:not|n't|nt|isnt|isn't) [\w']{2,20} (?:number|phone|address|mailbox)"
    r"|\bold (?:work )?(?:phone|number|address|mailbox)\b"
    r"|\b(?:this|it)(?: is|'s| has been)? (?:been )?(?:now )?my (?:own |new |private )?(?:number|phone|address)\b"
    r"|\b(?:had|got|have had|have|bought|owned) (?:this|the) (?:number|phone|sim|address|mailbox) (?:now|for|since|from"
    r"|last|\d|a few|recently|only)|\b(?:changed|swapped|switched) (?:her|his|their) (?:number|phone)\b"
    r"|\b(?:her|his|their|she|he|they)(?:'s| has| have| got)? (?:got )?a? ?(?:new|other|different) (?:number|phone)\b"
    r"|\b(?:has|have|is|are|does|do)(?: not|n't)? ?(?:no longer|not|any ?more)? ?(?:has|have|use|uses|using|own|on"
    r"|at)? "
    r"?this (?:number|phone|address|mailbox|e-?mail) any ?more\b"
    r"|\bno longer (?:has|have|uses?|using|owns?|on|at|reads?|reachable (?:on|at|under)) (?:this|that|the) (?:number"
    r"|phone"
    r"|address|mailbox|e-?mail)|\b(?:number|phone|address) (?:is|was|has been) (?:re-?assigned|passed on|given to)"
    r"|\b(?:number|phone|sim) (?:now )?belongs to\b|\bprivate (?:number|mobile|phone|line)\b|\bpersonal number\b"
    r"|\b(?:no ?one|nobody) (?:of|by|with|called) (?:that|this|the|\w+) ?(?:name)? ?(?:here|at this)"
    r"|\bdon'?t know (?:any|anyone|anybody|no) .{1,30}\b(?:number|phone|address)\b",
    "German": r"(?<!an der )\bfalsche[rns]? (?:telefon|handy|mobil|fax)?-? ?(?:nummer|adresse|e-?mail|anschluss"
    r"|mailadresse)\b|\bverwahlt\b"
    r"|\bnicht (?:die )?(?:richtige|seine|ihre|deren) (?:nummer|adresse)\b|\bvertippt\b"
    r"|\b(?:nummer|adresse) (?:ist|gehort) (?:jetzt |nun )?(?:mir|jemand|nicht|falsch)|\bjetzt meine nummer\b"
    r"|\b(?:neue|andere) nummer\b|\b(?:alte|ehemalige) (?:nummer|adresse) von\b|\bprivatnummer\b|\bprivate nummer\b"
    r"|\b(?:diese|die) (?:nummer|adresse) (?:nicht mehr|schon lange nicht)|\bnicht mehr unter dieser (?:nummer|adresse)"
    r"|\bhier gibt es (?:kein|niemand)\w{0,3}\b.{0,40}(?:namen|herrn|frau)\b",
    "French": r"\b(?:mauvais|faux|pas le bon|erreur de|tromp\w{1,3} de|plus le bon) (?:numero|num|telephone|portable)\b"
    r"|\b(?:mauvaise|fausse|pas la bonne|erreur d'|tromp\w{1,3} d'|plus la bonne) ?adresse\b"
    r"|\bn'(?:a|est) plus (?:ce|son|a ce|sur ce) (?:numero|portable)|\bplus (?:cette|son) adresse\b"
    r"|\b(?:change de|nouveau|autre) numero\b|\b(?:ce|mon) num(?:ero)? (?:m'appartient|est a moi|est le mien|depuis)"
    r"|\bj'?ai ce num(?:ero)?\b|\bnumero (?:prive|personnel|attribue)\b",
    "Spanish": r"\b(?:numero|telefono|celular|movil|direccion|correo) (?:equivocad[oa]|errone[oa]|incorrect[oa]|mal)\b"
    r"|\berror de numero\b|\bequivoc\w{1,4} de (?:numero|telefono|direccion)\b|\bno es (?:su|el|ese) (?:numero"
    r"|telefono)\b"
    r"|\b(?:este|el) (?:numero|telefono|movil|celular|cel) (?:ya no|es mio|es de|me lo|ahora|es mi)|\bnumero mio\b"
    r"|\bya no (?:tiene|usa|esta en) (?:este|ese) (?:numero|telefono|correo)|\bcambi\w{1,3} de (?:numero|telefono)"
    r"|\b(?:mi|es mi) (?:cel|celular|movil|numero) personal\b|\botro numero\b",
    "Portuguese": r"\b(?:numero|telefone|telemovel|celular|endereco|e-?mail) (?:errado|incorret[oa]|enganado)\b"
    r"|\benganou-?se (?:no|de|do) (?:numero|endereco)|\bengano de numero\b|\bligou errado\b"
    r"|\bnao e (?:mais )?(?:o )?(?:numero|telefone|endereco) del[ea]\b|\bcomprei (?:esse|este) (?:chip|numero|cartao)\b"
    r"|\b(?:esse|este|o) (?:numero|telefone|chip) (?:agora )?(?:e meu|e de|e do|e da|ja nao)|\bnumero meu\b"
    r"|\b(?:trocou|mudou) de (?:numero|telefone|telemovel|e-?mail)|\b(?:ja nao|nao) tem (?:mais )?este (?:numero"
    r"|telefone)",
    "Dutch": r"\b(?:verkeerde?|foute?) (?:telefoon|mobiele?)? ?(?:nummer|nr|adres|e-?mail|mailadres)\b|\bverkeerd "
    r"verbonden\b"
    r"|\b(?:dit|t|het) (?:nummer|nr|adres) (?:heb ik|is van|is nu|is niet)|\bdit is (?:t|het|een)? ?(?:nr|nummer) van"
    r"|\bniet (?:het|t) (?:juiste|goede) (?:nummer|adres)|\b(?:niet|geen) (?:zijn|haar) (?:nummer|adres)"
    r"|\b(?:nieuw|ander) nummer\b|\bheeft dit (?:nummer|adres) niet meer\b|\bik heb dit nummer\b|\bprivenummer\b",
    "Italian": r"\b(?:numero|telefono|indirizzo|cellulare) (?:sbagliato|errato|di un privato)\b|\bsbagliato "
    r"(?:numero|indirizzo)"
    r"|\bsbaglia (?:numero|indirizzo)\b|\bnon e (?:piu )?il (?:suo|numero giusto|numero di)\b"
    r"|\bquesto (?:numero|telefono|cellulare) (?:e mio|ora|adesso|non e|e di|e del)|\bnumero mio\b"
    r"|\b(?:cambiato|nuovo|altro) numero\b|\bnon ha piu questo (?:numero|indirizzo|telefono)\b",
}
"""What says so."""
_WRONG_PERSON: Mapping[str, str] = {
    "English": r"\bwrong (?!end\b|dept|department|team|time|way|company|firm|floor|office|place)\w{2,15}\b"
    r"|\bnot me\b|\bdon'?t know (?:any|anyone|a|no) |\bno \w{2,20} here\b",
    "German": r"\bfalsche[rn]? (?:person|frau|herr|mann|\w{3,15})\b(?<!abteilung)(?<!firma)|\bich bin nicht (?:der"
    r"|die|herr|frau)? ?\w{3,20}!"
    r"|\bkenne? (?:ich )?(?:kein|nicht)|\bkenn ich nicht\b|\bhier ist privat\b",
    "French": r"\b(?:mauvaise personne|tromp\w{1,3} de (?:personne|dame|monsieur)|vous vous (?:etes )?tromp\w{1,2}\b"
    r"|vs vous"
    r" tromp\w{1,2}|vous faites erreur|connais pas de)",
    "Spanish": r"\b(?:persona equivocada|equivocad[oa]\b|se equivoc[ao]\b|equivoc\w{1,3} de persona|no conozco a)",
    "Portuguese": r"\b(?:pessoa errada|^engano\b|\bengano[,.!]|nao conheco nenhum|nao a conheco|nao o conheco)",
    "Dutch": r"\bverkeerde (?:persoon|\w{2,15})\b|\bken (?:ik )?geen\b",
    "Italian": r"\b(?:persona sbagliata|sbagliato persona|ha sbagliato\b|non conosco nessun)",
}
"""What says in an SMS that its number is not the lead's; in a mail it may say that somebody else is responsible."""
_ONLY_THE_ADDRESS = re.compile(
    r"\b(?:no longer|doesn't|does not|nicht mehr|n'a plus|ya no|ja nao|nao|niet meer|non)\b.{0,25}"
    r"\b(?:this|that|diese|unter dieser|ce|cette|este|esta|esse|dit|questo|quest') ?(?:\w{1,10} )?(?:number|phone"
    r"|nummer|numero"
    r"|telephone|telefono|telefone|chip|sim|portable|handy|telefoon|address|mailbox|adresse|adres|direccion|endereco|indirizzo)\b"
    r"|\b(?:dit|diese) (?:nummer|adres|adresse) niet meer\b|\bdiese (?:nummer|adresse) nicht mehr\b"
    r"|\bthis is my (?:number|phone) now\b|\b(?:jetzt|nun) meine nummer\b|\b(?:this|it) (?:number )?is mine now\b"
)
_LEFT = re.compile(
    r"\b(?:left|leaving|transferred|versetzt|mute|trasladad[oa]|transferid[oa]|overgeplaatst|trasferit[oa]|retired"
    r"|no longer (?:with|works?|working|employed)|company|verlassen|ausgeschieden|unternehmen|firma"
    r"|ruhestand|quitte|entreprise|retraite|empresa|jubil\w{1,5}|trabaja|trabalha|reformou|bedrijf|werkt|pensioen|azienda"
    r"|lavora|pensione|passed away|died|gestorben|decede\w?|fallecio|faleceu|overleden|deceduto)\b"
)
_WRONG = re.compile("|".join(_WRONG_ADDRESS.values()))
_OF_MAIL = re.compile(
    r"addres|adres|e-?mail|mailbox|direcc|endereco|indirizzo|correo|wrong number|falsche nummer|mauvais numero"
    r"|verkeerd nummer"
    r"|numero (?:equivocado|errado|sbagliato)"
)
"""What a mail says of a telephone says nothing of the address that it came from, but for "wrong number"."""
_IN_AN_SMS = re.compile("|".join(_WRONG_PERSON.values()))


def names_wrong_address(text: str, channel: str) -> bool:
    """Whether the writer says that this number or address is not the lead's."""
    plain = _plain(text)
    if channel == "sms":
        return bool(_WRONG.search(plain) or _IN_AN_SMS.search(plain))
    return any(_OF_MAIL.search(hit.group(0)) for hit in _WRONG.finditer(plain))


def has_left_only_the_address(text: str) -> bool:
    """Whether somebody has given up this number or address, and nothing says that they have left their firm."""
    plain = _plain(text)
    return bool(_ONLY_THE_ADDRESS.search(plain)) and not _LEFT.search(plain)


def _plain(text: str) -> str:
    return folded_line(text[:_LONGEST])
