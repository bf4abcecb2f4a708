"""Words that say nothing of who somebody is, and the attributes that do: what likely duplicates are compared by.

The names of attributes are in seven languages; `header_words` has those of a lead's own fields.
"""

import re

from services.capture.rules.names import plain

TITLES = frozenset(
    """
    dr doctor doktor prof professor mr mrs ms miss mx sir herr frau hr fr ing dipl mag m mme mlle monsieur madame
    sr sra srta senor senora don dona sig signor signora dott dottore dottoressa avv eng dhr mevr mevrouw
    jr ii iii iv phd msc bsc mba md llm ba ma
    """.split()
)
PARTICLES = frozenset(
    "van von der den de del della di da do dos das du la le los las el al bin ibn ten ter zu zum st y e".split()
)
LEGAL_FORMS = frozenset(
    """
    gmbh ag kg kgaa ohg ug eg ev mbh se ltd limited inc incorporated llc llp lp corp corporation co company plc pty
    sa sas sarl sasu eurl snc srl spa sapa slu sl slp sc scoop bv nv vof cv bvba srls lda ltda eireli me oy oyj ab asa
    as aps is ehf sp zoo kft zrt doo sro kk pte bhd
    the der die das le la les el los las il lo i gli de het o os and und et y e en
    """.split()
)

_ATTRIBUTES = {
    "birth_date": """
        date of birth | birth date | birthdate | birthday | dob | born | born on
        geburtsdatum | geburtstag | geb datum | geboren | geboren am
        date de naissance | naissance | ne le
        fecha de nacimiento | nacimiento | data di nascita | data de nascimento | nascimento | geboortedatum
    """,
    "postcode": """
        postcode | post code | postal code | zip | zip code | zipcode | plz | postleitzahl | code postal | codigo postal
        cp | cap | codice postale | codice di avviamento postale | cep
    """,
    "city": """
        city | town | suburb | locality | ort | wohnort | stadt | ville | commune | ciudad | localidad | poblacion
        citta | comune | localita | cidade | plaats | woonplaats | stad
    """,
    "street": """
        street | street name | street address | address | address 1 | address 2 | address line 1 | address line 2
        address1 | address2 | home address | postal address | mailing address
        strasse | anschrift | adresse | adresszusatz | rue | voie | complement d adresse
        calle | direccion | domicilio | via | indirizzo | rua | endereco | morada | straat | straatnaam | adres
    """,
    "house_number": """
        street number | house number | house no | hausnummer | hausnr | haus nr | numero | numero de rue | numero civico
        numero de casa | huisnummer
    """,
    "region": """
        state | province | region | county | bundesland | kanton | canton | departement | provincia | estado | regione
        comunidad autonoma | distrito | provincie
    """,
    "number": """
        soc sec id | ssn | social security number | national id | national insurance number | id number
        identity number | personal number | passport | passport number
        tax id | tax number | customer number | customer id | customer no
        member number | membership number | member id | client id | client number | account number | licence number
        kundennummer | kundennr | mitgliedsnummer | steuernummer | steuer id | sozialversicherungsnummer | ausweisnummer
        numero client | numero de client | numero de securite sociale | nir | dni | nif | nie | cif | numero de cliente
        codice fiscale | numero cliente | codice cliente | cpf | numero do cliente | klantnummer | bsn | personnummer
    """,
    "page": """
        linkedin | linkedin url | linkedin profile | linkedin profile url | xing | xing profile | twitter
        twitter handle | github | profile url | social profile
    """,
}
KINDS: dict[str, str] = {
    words: kind for kind, table in _ATTRIBUTES.items() for words in re.split(r"\s*[|\n]\s*", table.strip())
}
"""What an attribute's folded name says that its value is."""


def kind_of(name: str) -> str | None:
    """What an attribute of a lead holds, by its name: a key of `_ATTRIBUTES`; None for any other."""
    return KINDS.get(" ".join(plain(name).split()))
