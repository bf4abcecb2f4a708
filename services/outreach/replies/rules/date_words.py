"""Words of dates in seven languages, without accents and in lower case."""

import re
import unicodedata
from collections.abc import Sequence

MONTHS = (
    "january jan januar janner janvier janv enero janeiro januari gennaio",
    "february feb februar feber fevrier fevr fevereiro fev febrero februari febbraio",
    "march mar marz mars marzo marco maart mrt",
    "april apr avril avr abril abr aprile",
    "may mai mayo maio mei maggio",
    "june jun juni juin junio junho giugno",
    "july jul juli juillet juil julio julho luglio lug",
    "august aug aout agosto augustus ago",
    "september sep sept septembre septiembre setiembre setembro settembre",
    "october oct oktober okt octobre octubre outubro ottobre",
    "november nov novembre noviembre novembro",
    "december dec dezember dez decembre diciembre dic dezembro dicembre",
)
NEEDS_A_DAY = frozenset("may mar mai set out ago jan dec jun jul sep abr lug dez dic mrt".split())
"""Names of months that are also other words: alone they name no month."""

WEEKDAYS = (
    "monday montag lundi lunes segunda-feira 2a-feira segunda lunedi maandag",
    "tuesday dienstag mardi martes terca-feira 3a-feira terca martedi dinsdag",
    "wednesday mittwoch mercredi miercoles quarta-feira 4a-feira quarta mercoledi woensdag",
    "thursday donnerstag jeudi jueves quinta-feira 5a-feira quinta giovedi donderdag",
    "friday freitag vendredi viernes sexta-feira 6a-feira sexta venerdi vrijdag",
    "saturday samstag sonnabend samedi sabado sabato zaterdag",
    "sunday sonntag dimanche domingo domenica zondag",
)
SHORT_WEEKDAYS = ("mon", "tue tues", "wed weds", "thu thur thurs", "fri", "sat", "sun")
"""Abbreviations; they count only behind a word like "on" or "back"."""

COUNTS = (
    "a an one ein einem einen einer eine un une una um uma een",
    "two zwei deux dos dois duas twee due couple pair par paio",
    "three drei trois tres drie tre",
    "four vier quatre cuatro quatro quattro",
    "five funf cinq cinco vijf cinque",
    "six sechs seis zes sei",
    "seven sieben sept siete sete zeven sette",
    "eight acht huit ocho oito otto",
    "nine neun neuf nueve nove negen",
    "ten zehn dix diez dez tien dieci",
    "eleven elf onze once undici",
    "twelve zwolf douze doce doze twaalf dodici",
    "",
    "fourteen vierzehn quatorze catorce quatorze veertien quattordici",
    "fifteen funfzehn quinze quince vijftien quindici",
)
ORDINALS = (
    "first 1st 1er 1e 1o 1a ersten erste premier premiere primer primera primeiro primeira eerste primo prima",
    "second 2nd 2e 2o 2a zweiten zweite deuxieme segundo segunda tweede secondo seconda",
    "third 3rd 3e 3o 3a dritten dritte troisieme tercer tercera terceiro terceira derde terzo terza",
    "fourth 4th 4e 4o 4a vierten vierte quatrieme cuarto cuarta quarto quarta vierde",
)
DAYS_UNIT = r"(?:days?|tage?n?|jours?|dias?|dagen|giorni)"
WEEKS_UNIT = r"(?:weeks?|wks?|wochen?|semaines?|semanas?|weken|week|settiman[ae])"
MONTHS_UNIT = r"(?:months?|monate?n?|mois|mes(?:es)?|maand(?:en)?|mes[ei])"
YEARS_UNIT = r"(?:years?|jahr(?:en?)?|ans?|annees?|anos?|jaar|ann[oi])"

MID = r"(?:mid|middle of|mitte|mi|mediados del?|mediados|meados d[eo]|half|medio|meta(?: di)?)"
END = (
    r"(?:(?:the )?(?:very )?end of|late|ende|fin(?: del?)?|finales del?|fines del?|final d(?:el?|o)|fi[mn] d(?:el?|o)"
    r"|finais d[eo]|eind(?:e)?(?: van)?|fine|fine di)"
)
EARLY = (
    r"(?:early|(?:the )?(?:beginning|start) of|anfang|beginn|debut|principios del?|comienzos del?|inicios? d(?:el?|o)"
    r"|comeco d[eo]|begin|inizio)"
)
OF_A_PART = (
    r"(?:(?:of|the|this|des|dem|der|du|de|del|della|dell'|la|le|l'|el|do|da|van|het|dit|dieses|di|en|im) ?){0,3}"
)
"""Words between "end" and what it is the end of."""
BEFORE_MONTH = (
    r"(?:in|by|until|till?|from|for|to|around|come|im|ab|bis|en|a|di|per|em|ate|hasta|jusqu'en|jusqu'a|tot|pour"
    r"|after|nach"
    r"|apres|before|vor|this|next|since|seit|depuis|desde|dal|da|de|para|la por|por|verso|vers|na|vanaf|depois de"
    r"|dopo|despues de|through|last|letzten?|try|maybe|perhaps|vielleicht|wohl|ende|anfang|mitte)"
)
UNITS_OF_OTHER_THINGS = (
    r"(?:uhr|h\b|hs\b|heures?|horas?|ore|uur|o'clock|am\b|pm\b|a\.m|p\.m|%|€|euro|pounds?|people|personen"
    r"|persone?s?|pessoas|jours?|days?|tage|dias?|giorni|dagen|anos?|ans|jahre|years?|min|km|kg|mitarbeiter|mensen|rue|st\b|street"
    r"|options?\b|editions?\b|versions?\b|floor\b|e-?mail|attempt|time\b|one\b|offer\b)"
)
TOMORROW = (
    r"(?<!guten )(?<!heute )(?<!goede )(?<!goeie )(?<!gestern )morgen(?!s|tau)(?:ochtend|fruh|middag)?|tomorrow"
    r"|tmrw|tmr"
    r"|(?<!apres-)(?<!apres )demain|(?<!la )(?<!esta )(?<!las )(?<!pasado )manana|(?<!depois de )amanha"
    r"|(?<!dopo )domani"
)
AFTER_TOMORROW = (
    r"(?:the )?day after tomorrow|ubermorgen|apres[- ]demain|pasado manana|depois de amanha|dopodomani|overmorgen"
)
NEXT_WEEK = (
    r"next (?:week|wk)|(?:nachste[rn]?|kommende[rn]?) woche|la semaine prochaine|semaine prochaine"
    r"|(?:la )?proxima semana"
    r"|semana (?:que|q) v(?:iene|em)|la otra semana|(?:volgende|komende) week|(?:la )?prossima settimana"
    r"|settimana prossima"
)
WEEK_AFTER_NEXT = (
    r"(?:the )?week after next|uberna(?:ch|ech)ste[nr]? woche|la semaine d'apres|semaine apres la prochaine"
)
MONTH_AFTER_NEXT = r"(?:the )?month after next|uberna(?:ch|ech)ste[nrsm]? monats?"
NEXT = (
    r"(?:(?:the |this )?(?:next|coming)|nachste[nrsm]?|kommende[nrsm]?|prochaine?|(?:el |la |il |o |a )?pro(?:x"
    r"|ss)im[oa]"
    r"|volgende?|komende?)"
)
"""Words before a period that is the next one."""
NEXT_BEHIND = r"(?:prochaine?|(?:que|q) v(?:iene|em)|pro(?:x|ss)im[oa]|entrante)"
"""Words behind one."""


def next_one(unit: str) -> str:
    """A pattern for the next of such periods: "next month", "mois prochain"."""
    return rf"(?:{NEXT} {unit}|(?:l[ae] |el |il |l'|o |a )?{unit} {NEXT_BEHIND})"


QUARTER = r"(?:quarter|quartals?|trimestre|kwartaal)"
HALF_YEAR = r"(?:half[- ]year|halbjahre?s?|semestre|halfjaar)"
NEXT_QUARTER, NEXT_HALF_YEAR = next_one(QUARTER), next_one(HALF_YEAR)
NEXT_MONTH = next_one(r"(?:month|monats?|mois|mes|maand|mese)")
NEXT_YEAR = next_one(r"(?:year|jahre?s?|an|annee|ano|jaar|anno)")
NEW_YEAR = (
    r"(?:(?:the |in )?new year'?s?|turn of the year|(?:im |zum )?neue[ns] jahr|jahreswechsel|jahresanfang"
    r"|jahresbeginn"
    r"|nouvel an|nouvelle annee|debut d'annee|ano nuevo|ano novo|virada do ano|nieuwe jaar|nieuwjaar|jaarwisseling"
    r"|anno nuovo|nuovo anno|inizio anno|comienzo de ano|principios de ano|inicio do ano)(?! (?:scolastico|escolar"
    r"|lectivo|letivo|scolaire)"
    r")"
)
EASTER = r"(?:easter|ostern|paques|pascua|semana santa|pascoa|pasen|pasqua)"
CHRISTMAS = r"(?:christmas|xmas|weihnachten|noel|navidad|natal|kerst|kerstmis|natale)"
END_OF_MONTH = (
    r"(?:end of (?:the |this )?month|ende (?:des|dieses) monats|monatsende|ende monat|fin (?:du|de ce) mois"
    r"|fin(?:es|ales)? de mes"
    r"|fim d[oe](?:ste)? mes|final d[oe] mes|eind(?:e)? (?:van de|v\.?d\.?|deze) maand|fine mese|fine del mese)"
)
MID_OF_MONTH = (
    r"(?:mid[- ]month|middle of the month|mitte (?:des monats|monat)|monatsmitte|mi[- ]mois|mediados de mes"
    r"|meados d[oe] mes"
    r"|(?:medio|half|midden van de) maand|meta mese)"
)
END_OF_YEAR = (
    r"(?:end of (?:the |this )?year|ende (?:des|dieses) jahres|jahresende|ende jahr|fin d'annee|fin de l'annee"
    r"|fin(?:es|ales)? de ano"
    r"|fim d[oe] ano|final d[oe] ano|eind(?:e)? (?:van het|v\.?h\.?|dit) jaar|fine anno|fine dell'anno)"
)
AFTER_IT = (
    r"(?:after(?!noon)|following|danach|darauf|seguinte|siguiente|seguente|successiv[ao]|suivante?|dopo|daarna"
    r"|erna|erop)"
)
TODAY = r"(?:today|heute|heid|heut|aujourd'hui|auj|hoy|hoje|hj|vandaag|oggi)"
CONNECTORS = (
    r"(?:-|–|—|to|till?|until|through|thru|bis(?: zum| einschliesslich)?|au|jusqu'au|al|a|ao|hasta(?: el)?"
    r"|ate(?: o| ao)?|tot(?: en met)?|t/m"
    r"|tem|fino al|and|und|et|e|y|en|ed|&|,)"
)


_PORTUGUESE_WEEKDAY = re.compile(r"\b([2-6])a[ -]?feira\b")


def fold(text: str) -> str:
    """Text in lower case and without accents, with single spaces; lines stay lines."""
    plain = unicodedata.normalize("NFKD", text.casefold().replace("’", "'"))
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    plain = _PORTUGUESE_WEEKDAY.sub(r"\1a-feira", plain)
    lines = (" ".join(line.split()) for line in plain.split("\n"))
    return "\n".join(line for line in lines if line)


def numbered(rows: Sequence[str], first: int) -> dict[str, int]:
    """Each word of each row with the number of its row."""
    return {word: number for number, words in enumerate(rows, first) for word in words.split()}


def one_of(words: Sequence[str] | dict[str, int]) -> str:
    """A pattern for any of these words, the longest first."""
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
