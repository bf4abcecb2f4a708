"""How the columns of a file are headed in seven languages, by the field that they fill."""

import unicodedata
from collections.abc import Mapping

_WORDS = {
    "email": """
        email | e-mail | mail | email address | e-mail address | work email | business email | contact email | mail id
        e-mail-adresse | emailadresse | mailadresse | geschäftliche e-mail
        courriel | adresse e-mail | adresse mail | adresse électronique | mél
        correo | correo electrónico | dirección de correo | email de contacto
        posta elettronica | indirizzo email | indirizzo e-mail | indirizzo di posta
        endereço de e-mail | endereço de email | correio eletrónico | correio eletrônico
        e-mailadres | mailadres | zakelijk e-mailadres
    """,
    "phone": """
        phone | telephone | tel | phone number | telephone number | mobile | mobile phone | mobile number | cell
        cell phone | work phone | contact number | tel no | phone no
        telefon | telefonnummer | handy | handynummer | mobil | mobiltelefon | mobilnummer | rufnummer
        téléphone | numéro de téléphone | portable | téléphone portable | mobile téléphone
        teléfono | número de teléfono | móvil | teléfono móvil | celular
        telefono | numero di telefono | cellulare | telefono cellulare
        telefone | número de telefone | telemóvel | telefone celular
        telefoon | telefoonnummer | mobiel | mobiel nummer | gsm
    """,
    "first_name": """
        first name | given name | forename | christian name
        vorname | rufname
        prénom
        nombre de pila | primer nombre
        nome di battesimo
        primeiro nome | nome próprio
        voornaam
    """,
    "last_name": """
        last name | surname | family name
        nachname | familienname | zuname
        nom de famille | patronyme
        apellido | apellidos
        cognome
        sobrenome | apelido | último nome
        achternaam | familienaam
    """,
    "full_name": """
        name | full name | contact | contact name | contact person
        vollständiger name | ansprechpartner | ansprechpartnerin | kontakt | kontaktperson
        nom | nom complet | nom et prénom | prénom et nom | nom du contact
        nombre | nombre completo | nombre y apellidos | persona de contacto
        nome | nome completo | nome e cognome | referente
        nome do contato | nome do contacto | pessoa de contacto
        naam | volledige naam | contactpersoon
    """,
    "company": """
        company | company name | organisation | organization | account | account name | employer | business | firm
        firma | firmenname | unternehmen | arbeitgeber | betrieb
        entreprise | société | nom de l'entreprise | raison sociale | employeur
        empresa | compañía | nombre de la empresa | razón social
        azienda | società | ditta | nome azienda | ragione sociale
        companhia | nome da empresa | razão social
        bedrijf | bedrijfsnaam | onderneming | organisatie | werkgever
    """,
    "job_title": """
        job title | title | position | role | job | function
        berufsbezeichnung | stellenbezeichnung | funktion | beruf | rolle
        poste | fonction | intitulé du poste | titre
        cargo | puesto | puesto de trabajo | función
        ruolo | qualifica | mansione | posizione
        função | cargo profissional
        functie | functietitel | rol
    """,
    "website": """
        website | url | web | web site | homepage | company website | domain
        webseite | internetseite | internetadresse | internet
        site web | site internet | site
        sitio web | página web | web de la empresa
        sito | sito web | sito internet
        sítio web | página da web
        webadres | webpagina
    """,
    "country": """
        country | country code | country name | nation
        land | staat | ländercode
        pays | code pays
        país | código de país
        paese | nazione | stato
        código do país
        landcode | landnaam
    """,
    "timezone": """
        timezone | time zone | tz
        zeitzone
        fuseau horaire
        zona horaria | huso horario
        fuso orario
        fuso horário
        tijdzone
    """,
    "external_id": """
        external id | id | record id | crm id | lead id | contact id | customer id
        externe id | datensatz-id | kundennummer
        identifiant | identifiant externe | numéro client
        id externo | identificador
        id esterno | codice cliente
        identificador externo
        extern id | klantnummer
    """,
    "source": """
        source | lead source
        quelle | leadquelle | herkunft
        origine | source du prospect
        fuente | origen
        fonte | origine del contatto
        origem
        bron | leadbron
    """,
    "campaign": """
        campaign | utm_campaign | campaign name
        kampagne | kampagnenname
        campagne | nom de la campagne
        campaña
        campagna
        campanha
        campagnenaam
    """,
    "owner": """
        owner | lead owner | assigned to | account manager | sales rep
        besitzer | zuständig | betreuer | verantwortlich
        propriétaire | responsable
        propietario | asignado a
        proprietario | assegnato a
        proprietário | responsável
        eigenaar | toegewezen aan
    """,
    "consent.email": """
        consent email | email consent | email opt-in | newsletter | newsletter consent
        e-mail-einwilligung | einwilligung e-mail | newsletter-einwilligung
        consentement e-mail | consentement email
        consentimiento email | consentimiento de correo
        consenso email | consenso e-mail
        consentimento email | consentimento de e-mail
        toestemming e-mail | e-mailtoestemming
    """,
    "consent.sms": """
        consent sms | sms consent | sms opt-in
        sms-einwilligung | einwilligung sms
        consentement sms
        consentimiento sms
        consenso sms
        consentimento sms
        toestemming sms | sms-toestemming
    """,
}
"""One line and more for each language, in the order English, German, French, Spanish, Italian, Portuguese, Dutch.

A name of one column may be a last or a first name, beside a column with the other one: `split_name` knows.
"""


def squeezed(header: str) -> str:
    """A header without case, accents, spacing and punctuation: what of it is compared."""
    decomposed = unicodedata.normalize("NFKD", header.casefold().replace("ß", "ss"))
    return "".join(character for character in decomposed if character.isalnum())


FIELD_OF = {
    squeezed(word): field
    for field, words in _WORDS.items()
    for line in words.splitlines()
    for word in line.split("|")
    if squeezed(word)
}
"""Squeezed header -> field."""


def ambiguous() -> list[str]:
    """Words that two fields claim; a test wants none."""
    claims: dict[str, set[str]] = {}
    for field, words in _WORDS.items():
        for word in words.replace("\n", "|").split("|"):
            if squeezed(word):
                claims.setdefault(squeezed(word), set()).add(field)
    return sorted(word for word, fields in claims.items() if len(fields) > 1)


_ENGLISH_FIRST_NAMES = frozenset({"firstname", "givenname", "forename", "christianname"})


def split_name(columns: Mapping[str, str]) -> str | None:
    """The field that the column with a name fills, where another column has the other half of it; else None.

    "Nome" beside "Cognome" is a first name, "Name" beside "Vorname" a last name. An English "Name" beside "First name"
    is the whole name. `columns`: field -> column.
    """
    if "full_name" not in columns or {"first_name", "last_name"} <= columns.keys():
        return None
    if "last_name" in columns:
        return "first_name"
    if "first_name" in columns and squeezed(columns["first_name"]) not in _ENGLISH_FIRST_NAMES:
        return "last_name"
    return None
