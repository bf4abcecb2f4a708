"""Whether the writer says that the number or address that we wrote to is not the lead's."""

import re


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.I)


_WRONG_ADDRESS = _any(
    r"\bwrong (number|address|e-?mail)\b|\bfalsche (nummer|adresse)\b|\bmauvais numéro\b|\bnúmero (equivocado"
    r"|errado)\b",
    r"\bnumero sbagliato\b|\bverkeerd(e)? (nummer|adres)\b|\bnot (his|her|their) (number|phone|address)( any ?more)?\b",
    r"\bold (work )?(phone|number|address)\b",
)


def names_wrong_address(text: str) -> bool:
    """Whether the writer says that this number or address is not the lead's."""
    return bool(_WRONG_ADDRESS.search(" ".join(text.split())))
