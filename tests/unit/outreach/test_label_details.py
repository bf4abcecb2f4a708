"""Details of labels: later_until, return_date, successor; on invented sentences. Today is Wednesday 2026-05-13."""

from datetime import date

import pytest

from services.outreach.replies.rules import label_details

TODAY = date(2026, 5, 13)


def day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Try us again in October.", "2026-10-01"),
        ("Come back in March please", "2027-03-01"),
        ("Not now. Mid-September suits us.", "2026-09-15"),
        ("Ask again at the end of February 2027.", "2027-02-28"),
        ("Write to me in Q1.", "2027-01-01"),
        ("Look in again in the second half of the year", "2026-07-01"),
        ("Ping me in three weeks", "2026-06-03"),
        ("six months from now, please", "2026-11-13"),
        ("The budget of 2026 is spent; next year.", "2027-01-01"),
        ("Contact me in the week of 17 June", "2026-06-15"),
        ("After 1 July we will look at it", "2026-07-02"),
        ("Melden Sie sich Mitte Oktober wieder.", "2026-10-15"),
        ("Bitte in KW 40 nochmal", "2026-09-28"),
        ("Im dritten Quartal gern.", "2026-07-01"),
        ("Nächstes Jahr vielleicht", "2027-01-01"),
        ("Vielleicht übernächsten Monat.", "2026-07-01"),
        ("The month after next, perhaps", "2026-07-01"),
        ("Recontactez-moi début septembre", "2026-09-01"),
        ("Relancez-moi dans deux mois", "2026-07-13"),
        ("Escríbame a finales de junio", "2026-06-30"),
        ("Procure-me daqui a três semanas", "2026-06-03"),
        ("Ci risentiamo a novembre", "2026-11-01"),
        ("Probeer het begin augustus nog eens", "2026-08-01"),
        ("Thanks for the demo in November, let us wait until August.", "2026-08-01"),
        ("August would be better", "2026-08-01"),
        ("Sept. please", "2026-09-01"),
        ("Try us for 2027.", "2027-01-01"),
        ("Hit me up in the new year", "2027-01-01"),
        ("Give us 3 weeks", "2026-06-03"),
        ("Geben Sie mir zwei oder drei Monate.", "2026-08-13"),
        ("Laissez-moi six mois", "2026-11-13"),
        ("Over een maand of twee graag", "2026-07-13"),
        ("Dentro de un año", "2027-05-13"),
        ("In einem halben Jahr wieder", "2026-11-13"),
        ("The second week of June works", "2026-06-08"),
        ("La segunda quincena de junio", "2026-06-16"),
        ("First Monday in July, please", "2026-07-06"),
        ("Nothing before November, write on the 30th", "2026-11-30"),
        ("The audit is in June. Afterwards, gladly.", "2026-07-01"),
        ("La réunion est le 20 juin. Rappelez-moi ensuite.", "2026-06-21"),
        ("The fair ends on 12 June, talk the Monday after", "2026-06-15"),
        ("Reprenez contact en janvier prochain", "2027-01-01"),
        ("Vielleicht im März nächstes Jahr", "2027-03-01"),
        ("Chiamami dopo Pasqua", "2027-03-30"),
        ("Fim do mês falamos", "2026-05-31"),
        ("Morgen nicht. Übermorgen gern.", "2026-05-15"),
        ("Die Woche drauf? Nein, nächste Woche.", "2026-05-18"),
        ("Ask me on 06/07, please", "2026-07-06"),
        ("In spring, perhaps.", None),
        ("Guten Morgen, derzeit nicht.", None),
        ("We have used it for three years.", None),
        ("It works 24/7 and costs 1/3 of that", None),
        ("Some other time.", None),
        ("Once the merger is through.", None),
        ("We met in April, it is not the time.", None),
        ("We bought one two months ago, and I may be gone by then.", None),
        ("The 2nd option costs 1.5 times as much, call me back later on +44 20 7946 0018", None),
        ("We have been with them since October.", None),
    ],
)
def test_the_day_to_come_back_is_read_from_the_text(text, expected):
    assert label_details.later_until(text, TODAY) == day(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I am back on Monday 25 May.", "2026-05-25"),
        ("Away until Friday 22 May.", "2026-05-25"),
        ("I'm out through 5/29/2026, and reachable after that.", "2026-06-01"),
        ("On holiday 11-15 May and again 1-5 June.", "2026-05-18"),
        ("I will return in July.", "2026-07-01"),
        ("On leave until September.", "2026-09-01"),
        ("Away today, back tomorrow.", "2026-05-14"),
        ("Out of office till the 20th", "2026-05-21"),
        ("Ich bin vom 4.5. bis 17.5. im Urlaub.", "2026-05-18"),
        ("Ab dem 20.05.2026 bin ich wieder erreichbar.", "2026-05-20"),
        ("Je suis de retour lundi.", "2026-05-18"),
        ("Absente du 11 mai au 22 mai inclus.", "2026-05-25"),
        ("Vuelvo el 1 de junio.", "2026-06-01"),
        ("Estou de férias até 29 de maio.", "2026-06-01"),
        ("Sarò assente fino al 20 maggio.", "2026-05-21"),
        ("Ik ben afwezig t/m 15 mei.", "2026-05-18"),
        ("Back Wed", "2026-05-20"),
        ("On 29 May, Friday, I am back.", "2026-05-29"),
        ("Returning 18th. Thx.", "2026-05-18"),
        ("Reprise le lundi 25 mai.", "2026-05-25"),
        ("Retour le 30.", "2026-05-30"),
        ("I'm out 5/11-5/22. Back 5/26.", "2026-05-26"),
        ("Closed from 24 May to 1 June. We open again on Tuesday 2 June.", "2026-06-02"),
        ("Wir sind vom 11.5. bis 22.5. im Urlaub. Ab Dienstag, 26.5., antworten wir wieder.", "2026-05-26"),
        ("Ferien bis und mit 17. Mai", "2026-05-18"),
        ("Away from Monday 11 May, and back on Thursday 21 May.", "2026-05-21"),
        ("On strike on 13, 14 and 15 May.", "2026-05-18"),
        ("Volto 2a feira.", "2026-05-18"),
        ("Hoy no estoy, mañana sí.", "2026-05-14"),
        ("Sono in ferie, torno giovedì 21", "2026-05-21"),
        ("Heute und morgen nicht im Büro", "2026-05-15"),
        ("On leave from tomorrow, back on the 27th.", "2026-05-27"),
        ("Estaré fuera hasta el lunes 18 de mayo.", "2026-05-19"),
        ("Lo studio chiude l'11 maggio e riapre il 26.", "2026-05-26"),
        ("I was away until Monday 4 May.", None),
        ("I am away, and do not know for how long.", None),
        ("I have been ill since 4 May.", None),
    ],
)
def test_the_first_day_back_is_read_from_the_text(text, expected):
    assert label_details.return_date(text, TODAY) == day(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ada has left. Please write to charles@engine.example.", "charles@engine.example"),
        ("IT goes to bo@engine.example, the rest to Cy <cy@engine.example>", "cy@engine.example"),
        ("Try my colleague at grace [at] engine [dot] example", "grace@engine.example"),
        ("I work elsewhere; my new address is ada@other.example", None),
        ("This is ada@engine.example, I do not decide.", None),
        ("Please ask 'pat.o'brien@engine.example', he decides.", "pat.o'brien@engine.example"),
        ("Ask at the desk.", None),
    ],
)
def test_the_one_to_write_to_instead_is_read_from_the_text(text, expected):
    assert label_details.successor(text, "ada@engine.example") == expected


MONDAY = date(2026, 2, 2)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ask again next quarter.", "2026-04-01"),
        ("Bitte nächstes Quartal wieder", "2026-04-01"),
        ("im nächsten Quartal", "2026-04-01"),
        ("au prochain trimestre", "2026-04-01"),
        ("le trimestre prochain", "2026-04-01"),
        ("el próximo trimestre", "2026-04-01"),
        ("no próximo trimestre", "2026-04-01"),
        ("il prossimo trimestre", "2026-04-01"),
        ("nel trimestre prossimo", "2026-04-01"),
        ("volgend kwartaal", "2026-04-01"),
        ("komend kwartaal", "2026-04-01"),
        ("el trimestre que viene", "2026-04-01"),
        ("trimestre que vem", "2026-04-01"),
        ("nächstes Halbjahr", "2026-07-01"),
        ("Try at the end of next month.", "2026-03-31"),
        ("Ende nächsten Monats", "2026-03-31"),
        ("fin du mois prochain", "2026-03-31"),
        ("a finales del próximo mes", "2026-03-31"),
        ("no final do próximo mês", "2026-03-31"),
        ("alla fine del mese prossimo", "2026-03-31"),
        ("alla fine del prossimo mese", "2026-03-31"),
        ("eind volgende maand", "2026-03-31"),
        ("Mitte nächsten Monats", "2026-03-15"),
        ("mid next month", "2026-03-15"),
        ("in the middle of next month", "2026-03-15"),
        ("Anfang nächsten Monats", "2026-03-01"),
        ("beginning of next month", "2026-03-01"),
        ("Anfang nächsten Jahres", "2027-01-01"),
        ("Ende nächsten Jahres", "2027-12-31"),
        ("Mitte nächsten Jahres", "2027-07-01"),
        ("early next year", "2027-01-01"),
        ("début de l'année prochaine", "2027-01-01"),
        ("a principios del próximo año", "2027-01-01"),
        ("no início do próximo ano", "2027-01-01"),
        ("all'inizio del prossimo anno", "2027-01-01"),
        ("begin volgend jaar", "2027-01-01"),
        ("end of next year", "2027-12-31"),
        ("in about half a year", "2026-08-02"),
        ("in etwa einem halben Jahr", "2026-08-02"),
        ("dans environ six mois", "2026-08-02"),
        ("dans une demi-année", "2026-08-02"),
        ("over ongeveer een half jaar", "2026-08-02"),
        ("tra circa sei mesi", "2026-08-02"),
        ("en unos seis meses", "2026-08-02"),
        ("en medio año más o menos", "2026-08-02"),
        ("daqui a meio ano", "2026-08-02"),
        ("fra mezz'anno", "2026-08-02"),
        ("end of Q1", "2026-03-31"),
        ("at the end of Q1", "2026-03-31"),
        ("Ende Q1", "2026-03-31"),
        ("fin T1", "2026-03-31"),
        ("fin du premier trimestre", "2026-03-31"),
        ("a finales del primer trimestre", "2026-03-31"),
        ("no fim do primeiro trimestre", "2026-03-31"),
        ("fine primo trimestre", "2026-03-31"),
        ("eind Q1", "2026-03-31"),
        ("Ende des ersten Quartals", "2026-03-31"),
        ("end of Q3", "2026-09-30"),
        ("mid Q2", "2026-05-15"),
        ("end of the quarter", "2026-03-31"),
        ("Ende des Quartals", "2026-03-31"),
        ("end of next quarter", "2026-06-30"),
        ("end of H1", "2026-06-30"),
        ("beginning of Q2", "2026-04-01"),
        ("end of this quarter", "2026-03-31"),
        ("Ask me on 3/20/2026", "2026-03-20"),
        ("Fragen Sie am 3.4.2026", "2026-04-03"),
        ("on Tuesday next week", "2026-02-10"),
        ("Spring of next year, perhaps", None),
        ("Ask me on 3/4/2026", "2026-04-03"),
        ("Ask me on 4/3/2026", "2026-04-03"),
    ],
)
def test_a_period_may_be_the_next_one_or_its_end(text, expected):
    assert label_details.later_until(text, MONDAY) == day(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I am away until next Monday.", "2026-02-10"),
        ("Ich bin bis nächsten Montag abwesend.", "2026-02-10"),
        ("Estoy fuera hasta el próximo lunes", "2026-02-10"),
        ("Je suis absent jusqu'à lundi prochain.", "2026-02-10"),
        ("Ausente até a próxima segunda-feira", "2026-02-10"),
        ("Sono assente fino a lunedì prossimo", "2026-02-10"),
        ("Ik ben afwezig tot volgende maandag", "2026-02-10"),
        ("Out till next Tuesday", "2026-02-11"),
        ("I am on vacation 2/9-2/13 and return 2/16.", "2026-02-16"),
        ("Vacation 2/9 to 2/13, return: 2/16", "2026-02-16"),
        ("Ich bin im Urlaub und am 16.02. wieder im Büro.", "2026-02-16"),
        ("Afwezig, 16/2 weer op kantoor", "2026-02-16"),
        ("Ich bin bis nächste Woche weg", "2026-02-09"),
        ("I am away until next quarter.", "2026-04-01"),
    ],
)
def test_an_absence_may_last_until_the_next_one(text, expected):
    assert label_details.return_date(text, MONDAY) == day(expected)
