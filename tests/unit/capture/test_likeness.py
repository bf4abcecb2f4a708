"""Which leads are likely one person: pairs as a salesperson would decide them. All find each other by blocking."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.capture.rules.blocking import MOST_KEYS, keys_of
from services.capture.rules.likeness import EVIDENCE, are_namesakes, evidence, likeness, shares_address, weigh
from services.capture.rules.profiles import is_compared, profile_of
from services.capture.settings import Settings
from tests.processor_time import processor_seconds

THRESHOLD = float(Settings.model_fields["duplicate_threshold"].default)
MOBILE, DESK = "+447911123456", "+442071234567"


def lead(name="", company="", email="", phone="", first="", last="", website="", country="", **attributes):
    fields = {
        "full_name": name,
        "first_name": first,
        "last_name": last,
        "company": company,
        "email": email,
        "phone": phone,
        "website": website,
        "country": country,
    }
    return profile_of({field: value for field, value in fields.items() if value}, attributes)


def meet(one, other):
    return not keys_of(one).isdisjoint(keys_of(other))


def reasons(one, other):
    return likeness([one], [other]).reasons


SAME = {
    "a letter left out": (
        lead("John Smith", "Acme Ltd", "john.smith@acme.com"),
        lead("Jhn Smith", "Acme", phone=MOBILE),
    ),
    "letters exchanged": (lead("John Smith", "Acme", "j@acme.com"), lead("John Simth", "ACME Limited", "j@gmail.com")),
    "a typo in both names": (
        lead("Jonathan Meyerbeer", "Acme", "jm@acme.com"),
        lead("Jonathon Meyerber", "Acme", phone=MOBILE),
    ),
    "names exchanged": (
        lead(first="Smith", last="John", company="Acme", email="js@x.com"),
        lead(first="John", last="Smith", company="Acme", phone=MOBILE),
    ),
    "family name first": (lead("Smith, John", "Acme", "js@x.com"), lead("John Smith", "Acme", phone=MOBILE)),
    "an initial": (lead("J. Smith", "Acme", "js@gmail.com"), lead("John Smith", "Acme", phone=MOBILE)),
    "an English nickname": (
        lead("Robert Miller", "Globex", "r@globex.com"),
        lead("Bob Miller", "Globex", phone=MOBILE),
    ),
    "an Italian nickname": (
        lead("Giuseppe Rossi", "Rossi SpA", "g.rossi@rossi.it"),
        lead("Beppe Rossi", "Rossi S.p.A.", "beppe@libero.it"),
    ),
    "a name in another language": (
        lead("Aleksandr Novak", "Skoda", "a@skoda.cz"),
        lead("Sasha Novak", "Škoda a.s.", phone="+420601123456"),
    ),
    "umlauts": (
        lead("Jürgen Müller", "Müller Bau GmbH", "j.mueller@mueller-bau.de"),
        lead("Juergen Mueller", "Mueller Bau", "juergen.mueller@gmx.de"),
    ),
    "another alphabet": (
        lead("Иван Петров", "Ромашка", "ivan@romashka.ru"),
        lead("Ivan Petrov", "Romashka", phone=MOBILE),
    ),
    "a title and a particle": (
        lead("Dr. Katharina von der Heide", "Nordwind GmbH", "k@gmx.de"),
        lead("Kathrin Heide", "Nordwind", phone=DESK),
    ),
    "one of two family names": (
        lead("Pedro García López", "Iberia Datos SL", "pedro@iberiadatos.es"),
        lead("Pedro Garcia", "Iberia Datos", phone=MOBILE),
    ),
    "a company by its initials": (
        lead("Wolfgang Schmidt", "International Business Machines", "ws@gmail.com"),
        lead("Wolfgang Schmitt", "IBM", phone=DESK),
    ),
    "a company by its domain": (
        lead("Maria Gonzalez", email="maria.gonzalez@bodegas.es"),
        lead("María González", "Bodegas SL", phone=MOBILE),
    ),
    "a company by its website": (
        lead("Maria Gonzalez", email="maria@gmail.com", website="https://www.bodegas.es"),
        lead("María González", email="mg@yahoo.es", website="https://bodegas.es/contacto"),
    ),
    "only an e-mail, made of the name": (lead(email="jsmith@acme.com"), lead("John Smith", "Acme Inc", phone=MOBILE)),
    "a mistyped mail domain": (lead(email="j.meyerbeer@gmial.com"), lead(email="j.meyerbeer@gmail.com")),
    "two e-mails at one company": (
        lead("John Smith", email="john.smith@acme.com"),
        lead("John Smith", email="jsmith@acme.com"),
    ),
    "a phone without an e-mail": (
        lead("Maria Gonzalez", phone=MOBILE),
        lead("Maria Gonzales", email="m@x.es", phone=MOBILE),
    ),
    "a rare name, phone here and e-mail there": (
        lead("Priya Raghunathan", phone=MOBILE),
        lead("Priya Raghunathan", email="p.raghu@gmail.com"),
    ),
    "birth date and postcode": (
        lead("Hannah Berg", email="h@x.de", Geburtsdatum="01.05.1977", PLZ="22081"),
        lead("Hanna Burg", phone=MOBILE, date_of_birth="1977-05-01", postcode="22081"),
    ),
}
OTHERS = {
    "colleagues of one family": (
        lead("John Smith", "Acme", "john.smith@acme.com"),
        lead("Mary Smith", "Acme", "mary.smith@acme.com"),
    ),
    "colleagues of one first name": (
        lead("John Smith", "Acme", "john.smith@acme.com"),
        lead("John Baker", "Acme", "john.baker@acme.com"),
    ),
    "namesakes at two companies": (
        lead("John Smith", "Acme", "john.smith@acme.com"),
        lead("John Smith", "Globex", "john.smith@globex.com"),
    ),
    "Maria and Mario": (
        lead("Maria Garcia", "BBVA", "maria.garcia@bbva.es"),
        lead("Mario Garcia", "BBVA", "mario.garcia@bbva.es"),
    ),
    "Christian and Christina": (
        lead("Christian Bauer", "Bosch", "christian.bauer@bosch.com"),
        lead("Christina Bauer", "Bosch", "christina.bauer@bosch.com"),
    ),
    "initials that differ": (
        lead("A. Schmidt", "Nordwind", "a.schmidt@nordwind.de"),
        lead("H. Schmidt", "Nordwind", "h.schmidt@nordwind.de"),
    ),
    "two desks of one company": (
        lead("Ada King", "Acme", phone=f"{DESK}1"),
        lead("Bob Stone", "Acme", phone=f"{DESK}2"),
    ),
    "one switchboard": (lead("Ada King", "Acme", phone=DESK), lead("Bob Stone", "Acme", phone=DESK)),
    "mailboxes of a role": (lead(email="sales1@acme.com"), lead(email="sales2@acme.com")),
    "accounts that are counted": (lead(email="user101@acme.com"), lead(email="user102@acme.com")),
    "names that are counted": (
        lead("Test User 17", "Unit 17", "t17@x.com"),
        lead("Test User 18", "Unit 18", "t18@x.com"),
    ),
    "one first name": (lead("Ada", "Acme", "ada@acme.com"), lead("Ada", "Acme", "ada.k@acme.com")),
    "nothing": (lead(), lead()),
}


@pytest.mark.parametrize(("one", "other"), SAME.values(), ids=SAME)
def test_these_are_likely_one_person_and_find_each_other(one, other):
    assert likeness([one], [other]).score >= THRESHOLD, evidence(one, other)
    assert meet(one, other)


@pytest.mark.parametrize(("one", "other"), OTHERS.values(), ids=OTHERS)
def test_these_are_likely_two_persons(one, other):
    assert likeness([one], [other]).score < THRESHOLD, evidence(one, other)


def test_reasons_are_in_plain_words_and_joined_where_they_belong_together():
    one = lead("John Smith", "Acme", phone=MOBILE)
    assert reasons(one, lead("John Smith", "Acme", phone=MOBILE)) == ("same name", "same phone", "same company")
    assert reasons(one, lead("John Smyth", email="j@acme.com")) == (
        "names differ by one letter",
        "same company by domain",
    )
    assert reasons(one, lead("Eve Stone", phone=MOBILE)) == ("names differ", "same phone")


def test_the_more_leads_are_called_so_the_less_a_name_says():
    one, other = lead("John Smith", phone=MOBILE), lead("John Smith", email="js@gmail.com")
    assert are_namesakes(evidence(one, other))
    scores = [weigh(evidence(one, other), namesakes).score for namesakes in (1, 2, 25)]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] >= THRESHOLD > scores[2]
    with_phone = lead("John Smith", email="js@gmail.com", phone=MOBILE)
    assert weigh(evidence(one, with_phone), 25).score >= THRESHOLD


def test_a_lead_is_as_alike_as_the_alias_that_is_most_alike():
    kept, alias = lead("Ada King", "Acme"), lead("Ada Lovelace", "Acme")
    other = lead("Ada Lovelace", "Acme", phone=MOBILE)
    assert likeness([kept, alias], [other]) == likeness([alias], [other])
    assert likeness([kept], [other]).score < THRESHOLD


def test_an_argentine_phone_with_and_without_its_nine_is_the_same():
    assert reasons(lead(phone="+5491166773399"), lead(phone="+541166773399")) == ("same phone",)


def test_a_shared_address_is_seen_in_the_reasons():
    assert shares_address(reasons(lead("Ada", phone=MOBILE), lead("Eve", phone=MOBILE)))
    assert not shares_address(reasons(lead("Ada King", "Acme"), lead("Ada King", "Acme")))


def test_a_change_of_what_is_compared_is_known_by_the_names_of_its_fields():
    assert is_compared(["last_name"])
    assert is_compared(["attributes.Date of birth"])
    assert not is_compared(["job_title", "consent.email", "attributes.plan"])


TEXT = st.text(max_size=40) | st.sampled_from(
    ["'", "a.b@c", "@", "..", ",", ", ,", "O'", "ß", "İ", "٣", "㎏", "\u0300", "1" * 500]
)


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.dictionaries(
                st.sampled_from(["first_name", "last_name", "full_name", "company", "email", "phone", "website"]), TEXT
            ),
            st.dictionaries(
                st.sampled_from(["dob", "street", "PLZ", "ssn", "linkedin", "plan"]),
                TEXT | st.integers() | st.booleans(),
            ),
        ),
        min_size=2,
        max_size=2,
    )
)
def test_any_text_has_keys_and_a_likeness_that_is_the_same_both_ways(leads):
    one, other = (profile_of(fields, attributes) for fields, attributes in leads)
    there, back = likeness([one], [other]), likeness([other], [one])
    assert 0 <= there.score <= 1
    assert there.score == back.score
    assert len(keys_of(one)) <= MOST_KEYS


def test_two_texts_of_200_kb_are_compared_at_once():
    longest = {"full_name": "a" * 200_000, "company": "b " * 100_000, "email": "." * 200_000, "website": "/" * 200_000}
    assert processor_seconds(lambda: profile_of(longest, {"street": "c" * 200_000}), enough=0.1) < 0.1
    big = profile_of({"full_name": "a" * 200_000, "company": "b " * 100_000}, {"street": "c" * 200_000})
    other = profile_of({"full_name": "a'" * 100_000, "company": "b." * 100_000}, {"street": "d" * 200_000})
    assert processor_seconds(lambda: (likeness([big], [other]), keys_of(big)), enough=0.1) < 0.1


def test_each_kind_of_evidence_has_a_weight_and_words_of_its_own():
    words = [text for _, text in EVIDENCE.values()]
    assert len(words) == len(set(words))
    assert not any("_" in text for text in words)
