"""What follows the last word of a mail, as words by language: sign-offs, names, mobile footers."""

import re
from collections.abc import Iterator, Mapping, Sequence

from services.outreach.replies.rules import boilerplate, line_wraps

CLOSINGS: Mapping[str, str] = {
    "English": "regards|wishes|sincerely|faithfully|rgds|brgds",
    "German": "grüßen|grüße|gruß|gruss|grüsse|grüessli|mfg|lg|vg|feiertage|festtage|hochachtungsvoll",
    "French": "cordialement|cdlt|cdt|bien à vous|salutations|respectueusement|amitiés|sentiments distingués",
    "Spanish": "saludos?|atentamente|cordialmente|un abrazo|atte",
    "Portuguese": "atenciosamente|cumprimentos|abraços?|atentamente|saudações|cpts",
    "Dutch": "groeten?|groet|groetjes|mvg|vriendelijke groet|hoogachtend",
    "Italian": "saluti|cordialmente|distinti saluti|un caro saluto",
    "Nordic": "hälsningar|hilsen|hilsner|mvh|vh|terveisin|terveisiä|kveðja|kveðju",
    "Slavic": "pozdrawiam|pozdrowienia|poważaniem|pozdravem|pozdravom|úctou|pozdrav|с уважением|з повагою|поздрави|"
    "с наилучшими пожеланиями|поздрав",
    "Others": "üdvözlettel|üdv|cu stimă|saygılarımla|saygılarımızla|με εκτίμηση|pagarbiai|ar cieņu|lugupidamisega|"
    "בברכה|مع التحية|تحياتي",
}
"""Words of a sign-off that hardly ever start a sentence."""

LIGHT_CLOSINGS: Mapping[str, str] = {
    "English": "thanks|thank you|ta|thx|tx|cheers|xx?|(yours )?truly|yours(?=\\s{0,3},?\\s{0,3}$)"
    r"|(all the |all my )?(best|love)(?=[\s,.!]*$|,? (?-i:[A-ZÀ-Ý])| from| to you)",
    "French, Spanish, Portuguese, Italian": "merci|gracias|obrigad[oa]|grazie|att|abs|à vous|bises|bisous",
    "wishes": "have an? (good|nice|great|lovely|wonderful|super) |happy (holidays|new year|easter)|enjoy (the|your) "
    "|take care|stay (safe|well)|(einen )?schönen (tag|abend|urlaub|feierabend)|schönes wochenende|schöne (woche"
    "|feiertage"
    "|festtage|ostern|weihnachten)|frohe (festtage|feiertage|ostern|weihnachten)|bonne (journée|soirée|fin|semaine"
    "|année"
    "|continuation|réception)|bon (week-?end|courage)|bonnes (vacances|fêtes)|joyeuses fêtes|buen (día|fin)"
    "|felices fiestas"
    "|buona (giornata|serata|settimana|domenica)|buon (lavoro|weekend|fine)|buone (vacanze|feste)|boa (semana"
    "|tarde|noite)"
    "|bom (fim|trabalho)|boas (férias|festas)|fijne (dag|avond|week|feestdagen|vakantie)|fijn weekend"
    "|prettig(e)? (dag"
    "|weekend|avond|feestdagen)|trevlig (helg|dag)|ha det|god (helg|weekend)|miłego dnia",
    "German, Dutch, Nordic": "gr|grtz|grtjs|vielen dank|besten dank|herzlichen dank|dank u|bedankt|tack|takk|tak"
    "|kiitos",
    "Slavic": "dziękuję|děkuji|ďakujem|hvala|спасибо|дякую|благодаря",
}
"""Words that close a mail only where nothing but a signature follows: thanks, a short wish."""

LEADS = (
    "with mit met con avec best kind warm warmest many yours hartelijke viele schönen schöne liebe beste lieve"
    " freundliche"
    " freundlichem freundlichen freundlicher herzliche herzlichem herzlichen gesegnete frohe bien com os melhores"
    " atentos"
    " un all the much cordiali cordial reciba receba bedste venlig vennlig med bästa vänliga ystävällisin z s"
    " serdecznie"
    " and thanks muchas muito mille un de vriendelijke sonnige kindest warmly very sinceramente más bons le mes nos"
).split()
"""Words that may stand before the word of a closing: "With kind", "Mit freundlichen"."""

DEVICE_FOOTERS: Mapping[str, str] = {
    "English": r"sent (from|with|via|using|by) (my|the|outlook|mail|iphone|ipad|android|samsung|galaxy|yahoo|gmail"
    r"|proton"
    r"|tuta|gmx|web\.de|fastmail|zoho|airmail|windows|blackberry|nokia|huawei|xiaomi|mobile|a mobile|a phone|a "
    r"tablet|acompli|spark|superhuman)"
    r"|sent from |get outlook for|from my (iphone|ipad|android|mobile|phone|blackberry)|\w{1,20} from mobile",
    "German": r"(diese (nachricht|e-?mail|mail) wurde )?(von|mit|aus) (meinem|der|dem|outlook) .{2,60}(gesendet"
    r"|verschickt)"
    r"|gesendet (mit|von|über|aus)|outlook für (ios|android) (beziehen|herunterladen)",
    "French": r"envoyée? (depuis|de(?! la)|à partir|avec|par) |télécharger outlook pour|obtenez outlook pour",
    "Spanish, Portuguese": r"enviado (desde|do|de|a partir|com|con|pelo|via) |obter o outlook para"
    r"|obtener outlook para",
    "Italian": r"inviato (da|dal|con|tramite) |scarica outlook per|ottieni outlook per",
    "Dutch": r"(verstuurd|verzonden) (vanaf|met|via|vanuit)|outlook voor (ios|android)|downloaden outlook",
    "Nordic": r"(skickat|sendt|lähetetty|sent) (från|fra|via|med|iphonesta|androidista|puhelimesta)"
    r"|lähetetty .{2,40}sta\b"
    r"|hämta outlook för|hent outlook (til|for)|hanki outlook",
    "Slavic": r"(wysłan[eoay]|odesl[aá]no|odeslané|odoslané|poslano|послано|отправлено|надіслано|изпратено) "
    r"(z|ze|s|sa|iz|с|из|з|от|с моего|від)\b|pobierz (aplikację )?outlook|stáhnout outlook",
    "Others": r"elküldve |küldve |trimis de pe|iphone'?umdan gönderildi|gönderildi$|στάλθηκε από|išsiųsta iš"
    r"|sūtīts no"
    r"|saadetud minu|נשלח מ|أرسل من|مرسل من|đã gửi từ|dikirim dari",
    "East Asian": r"从我的|從我的|发自我的|發自我的|發送自|获取 ?outlook|iphoneから送信|.{0,20}から送信"
    r"|나의 .{1,20}에서 보냄|내 .{1,20}에서 보냄",
}
"""What phones and mail programs add below a text."""

NAME_PARTICLES = frozenset(
    "de da do das dos di del della der den von van vom zu zum zur la le les los las el al y e et und en and of the"
    " for by"
    " at to i a im ter ten te af og och für pour para per voor in, aan du des & "
    "| - – — · / + on mit bei med phil rer nat jur"
    " ing habil dipl oec @ team équipe equipo equipe crew staff everyone tutti".split()
)
"""Lower-case words that a name, a title or a firm may have."""

_NOT_NAMES = frozenset(
    "monday tuesday wednesday thursday friday saturday sunday today tomorrow montag dienstag mittwoch donnerstag"
    " freitag"
    " samstag sonntag heute morgen lundi mardi mercredi jeudi vendredi demain lunes martes jueves viernes mañana"
    " segunda"
    " terça quarta quinta sexta maandag dinsdag woensdag donderdag vrijdag lunedì martedì giovedì venerdì domani"
    " yes no ok okay yep nope sure please thanks danke ja nein gerne bitte oui non merci sí si gracias sim não"
    " obrigado"
    " obrigada nee graag bedankt grazie stop unsubscribe done never agreed perfect great super thx lol haha asap"
    " now later"
    " how when where what why who wie wann wo was warum wer quand comment où cuándo cómo quando"
    " como hoe wanneer".split()
)
"""Words that alone on a line are an answer and not a name."""


_ENDS_IN_A_DOT = frozenset(
    "ltd inc co corp jr sr lda coop bv nv srl spa llc plc phd dds esq hon sa s.a s.p.a s.r.l".split()
)
_BEFORE_A_TIME = frozenset(
    "in early late mid by from until till after before next not maybe please on um am ab bis nach vor ende anfang mitte"
    " im fin début avant après vers en hasta después a até depois em op vanaf tot na entro dopo da".split()
)
"""First words of a time ("In May"), which is an answer and not a name."""


def _any(words: Mapping[str, str], before: str = "", after: str = "") -> re.Pattern[str]:
    return re.compile(f"{before}(?:{'|'.join(words.values())}){after}", re.I)


_LEAD = rf"^\s{{0,8}}(?:(?:{'|'.join(LEADS)}),? {{1,3}}){{0,6}}"
_SIGN_OFF = _any(CLOSINGS, _LEAD, r"(?![\w'])[^.?!]{0,40}[.,!]{0,3}\s{0,8}$")
_LIGHT = _any(LIGHT_CLOSINGS, _LEAD, r"(?![\w'])[^.?!]{0,40}[.,!]{0,3}\s{0,8}$")
_DEVICE = _any(DEVICE_FOOTERS, r"^\s{0,8}(?:<div>)?[(<\[*_]{0,3}\s?(?:", ")")
_LINE = re.compile(r"^\s{0,8}(?:--|—|_{2,500}|[-*=#~]{10,500})\s{0,8}$")
_ONLY_MARKS = re.compile(r"^[\s\-_,=+~#*ᐧ—–·•]{1,500}$")
_PS = re.compile(r"^\s{0,20}p(?:\.?\s?p){0,2}\.?\s?s\.?(?![\w'])", re.I)
_ABBREVIATION = re.compile(
    r"\b(?:\w|[A-Z][a-z]{1,4}|Dipl|Coop|S\.p\.A|i\. ?[VA])\.(?=[ ,-]|$)|\b[a-z]{1,5}\.(?= [A-ZÀ-Ý])"
)
_CONTACT = re.compile(r"[@|]|https?:|www\.|\+?\d[\d ()/.-]{6,20}\d")
_LAST_WORD = re.compile(r"[.!?…] {1,3}(?P<name>[^\W\d_]{2,20})\s{0,8}$")
_IMAGE = re.compile(
    r"\[(?:cid|image|bild|imagen|imagem|afbeelding|immagine|inline)\b[^\[\]]{0,120}\](?:<[^<>]{0,300}>)?", re.I
)
_CARRIER_NOTE = re.compile(
    r"(?:^|(?<=[.!?]))\s{0,3}(?:std )?(?:msg|message)s?(?: ?& ?| and )data rates may apply[.!]?\s{0,3}$"
    r"|(?:^|(?<=[.!?]))\s{0,3}(?:reply|text|txt|send|antworten sie(?: mit)?|répondez|envoyez|responda|envíe|envie"
    r"|antwoord|stuur"
    r"|rispondi|invia) [\"'“«]?(?:stop|help|end|cancel|unsubscribe|baja|sair|hilfe|ayuda|aide)[\"'”»]?"
    r" (?:to|for|um|für|pour|para|om|voor|per)\b[^.!?\"”]{1,40}[.!]?\s{0,3}$",
    re.I,
)
_EXCUSES = re.compile(
    r"excus|typo|brev|spelling|short|kurz|fehler|entschuld|knapp|désol|faute|disculp|erros|errat|tipfout|kort"
    r"|errori|https?:",
    re.I,
)
_LONGEST = 300
_SHORT = 250
"""Characters of a paragraph below the sign-off that may be the writer's."""
_NO_WORDS = 6
"""Characters of a line that is nothing but "P.S.:"."""


def is_sign_off(line: str) -> bool:
    """Whether a line closes a mail whatever follows: "Kind regards", "Mit freundlichen Grüßen"."""
    return len(line) <= _LONGEST and bool(_SIGN_OFF.match(line))


def is_light_closing(line: str) -> bool:
    """Whether a line closes a mail where nothing but a signature follows: "Thanks", "Best"."""
    return len(line) <= _LONGEST and bool(_LIGHT.match(line))


def is_footer(line: str) -> bool:
    """Whether a signature or the footer of a device starts here: `--`, a drawn line, "Sent from my phone"."""
    if _LINE.match(line):
        return True
    if len(line) > _LONGEST or not _DEVICE.match(line):
        return False
    sentence = len(line.split()) > 7 and line.rstrip().endswith((".", "?"))
    return not sentence or bool(_EXCUSES.search(line))


def is_only_marks(line: str) -> bool:
    """Whether a line is drawn of dashes, stars and the like."""
    return bool(_ONLY_MARKS.match(line))


def is_name(line: str) -> bool:
    """Whether a line is a name, a title, a firm or a way to reach it, rather than a sentence."""
    bare = _ABBREVIATION.sub("", line[:_LONGEST]).strip()
    if not bare or len(bare) > 60 or (re.search(r"[.?!]", bare) and not _CONTACT.search(bare)):
        return not bare
    return (bare[0].isupper() or bare[0] in "(+0[,") and len(bare.split()) <= 9


def is_proper_name(line: str) -> bool:
    """Whether each word of a line is written like a name: "Ann van der Berg", "Acme Foods, Purchasing"."""
    words = [word.strip(".,()\"'") for word in _ABBREVIATION.sub("", line[:_LONGEST]).split()]
    words = [word for word in words if word]
    if not words:
        return bool(line.strip())  # nothing but initials
    if len(words) > 7 or not is_name(line) or line.rstrip()[-1:] in ",:;":
        return False
    last = line.split()[-1].strip(".,()\"'").lower()
    if line.rstrip().endswith(".") and last not in _ENDS_IN_A_DOT and len(last) > 1:
        return False
    if words[0].lower() in _BEFORE_A_TIME or (len(words) < 3 and any(word.lower() in _NOT_NAMES for word in words)):
        return False
    return all(word[0].isupper() or word.lower() in NAME_PARTICLES for word in words)


def without_images(line: str) -> str:
    """A line without what a mail program puts in the place of an image."""
    return _IMAGE.sub(" ", line[:2_000]) if "[" in line else line


def without_carrier_notes(line: str) -> str:
    """A line of an SMS without what carriers have machines add: "Msg & data rates may apply", "Reply STOP to end"."""
    while hit := _CARRIER_NOTE.search(line[-120:]):
        line = line[: max(0, len(line) - 120) + hit.start()]
    return line


def trailing_name(text: str) -> str:
    """The name that an SMS ends with behind its last sentence ("See you at 8. Ann"), or ""."""
    hit = _LAST_WORD.search(text[-60:])
    name = hit["name"] if hit else ""
    return name if name[:1].isupper() and not name.isupper() and name.lower() not in _NOT_NAMES else ""


def is_postscript(line: str) -> bool:
    """Whether a line starts with "P.S."."""
    return bool(_PS.match(line))


def looks_like_prose(lines: Sequence[str]) -> bool:
    """Whether one of these lines is a sentence that somebody wrote, and not a part of a signature."""
    until = next((index for index, line in enumerate(lines) if is_postscript(line)), len(lines))
    texts = (" ".join(group) for group in line_wraps.joined(lines[:until]))
    return any(
        "?" in text or (len(text.split()) >= 8 and not boilerplate.is_boilerplate(text) and not _CONTACT.search(text))
        for text in texts
    )


def stands_below(line: str) -> bool:
    """Whether a line is what stands below a letter: a closing, a name, a footer."""
    if is_footer(line) or is_sign_off(line) or is_light_closing(line):
        return True
    return is_proper_name(line) or boilerplate.is_boilerplate(line)


def written_below(lines: list[str]) -> list[str]:
    """What the writer wrote below the sign-off: a P.S., and a short paragraph in the first person. The rest, names and
    notes of the firm, was not written for this mail, whatever words it has.
    """
    kept: list[str] = []
    postscript = False
    for block in _blocks(lines):
        text = " ".join(block)
        postscript = is_postscript(block[0]) or (postscript and len(kept[-1]) <= _NO_WORDS)
        own = boilerplate.is_in_the_first_person(text) and len(text) <= _SHORT
        if postscript or own:
            groups = (" ".join(group) for group in line_wraps.joined(block))
            kept += [group for group in groups if not boilerplate.is_boilerplate(group)]
            postscript = postscript and bool(kept)
    return kept


def _blocks(lines: Sequence[str]) -> Iterator[list[str]]:
    """The paragraphs of lines. A P.S. starts one, and what is written like a name or a number ends one."""
    block: list[str] = []
    for line in [*map(str.strip, lines), ""]:
        named = not line or is_footer(line) or is_proper_name(line)
        if block and (named or is_postscript(line)):
            yield block
            block = []
        if not named:
            block.append(line)
