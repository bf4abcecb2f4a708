"""Company names as they are compared: without case, accents, punctuation and legal form."""

import re
import unicodedata

_LEGAL_FORMS = frozenset(
    """
    ab ag aps as asa bv bvba co company corp corporation cv eg ek ev eurl gbr gmbh inc incorporated kft kg kgaa lda
    limited llc llp lp ltd ltda mbh nv ohg oy oyj plc pte pty public sa sarl sas sasu se sl slu snc sp spa sprl srl sro
    ug und zoo
    """.split()
)
_WORD = re.compile(r"\w+")
_SPLIT_FORMS = re.compile(r"\b([a-z])\.[ ]?(?=[a-z]\b)")
"""`S.A.`, `B. V.`: letters that belong together."""


def name_key(name: str | None) -> str:
    """`acme tools` for `ACME Tools GmbH & Co. KG`; '' for no name. A name of nothing but legal forms is kept whole."""
    text = unicodedata.normalize("NFKD", (name or "")[:300].casefold())
    text = "".join(character for character in text if not unicodedata.combining(character))
    words = _WORD.findall(_SPLIT_FORMS.sub(r"\1", text))
    return " ".join([word for word in words if word not in _LEGAL_FORMS] or words)
