"""Labels of messages that are one or two plain words, where the model has too little to count."""

import re

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
_WORD = re.compile(r"[^\W\d_]{1,30}")
_LONGEST = 60
"""Characters of a message that can be a short answer."""


def _by_answer() -> dict[str, str]:
    found: dict[str, str] = {}
    for label, text in _ANSWERS.items():
        words, *phrases = text.split("|")
        found |= dict.fromkeys([*words.split(), *(" ".join(phrase.split()) for phrase in phrases)], label)
    return found


_LABELS = _by_answer()


def label(text: str) -> str | None:
    """The label of a message that is nothing but a plain answer and politeness; None for any other."""
    if len(text) > _LONGEST or "?" in text or any(each.isdigit() for each in text):
        return None
    words = " ".join(_WORD.findall(folded(text)))
    for end in _POLITE_ENDS:
        words = words.removesuffix(end).strip()
    return _LABELS.get(" ".join(word for word in words.split() if word not in _POLITE))
