"""Who says that a number or address is not the lead's closes it, and does not end the lead's road. Invented texts."""

import pytest

from services.outreach.replies.rules import classify, new_text, wrong_addresses


def read(channel: str, text: str) -> tuple[str, bool]:
    found = classify(channel, {"subject": "Re: pumps"} if channel == "email" else {}, new_text.extract(text))
    return found.label, found.wrong_address


@pytest.mark.parametrize(
    "text",
    [
        "Wrong person",
        "Sorry, you have the wrong number",
        "No Ann here, wrong number",
        "This isn't Ann's number",
        "I've had this number for two years, don't know any Ann",
        "Ann no longer has this number",
        "This is my number now",
        "Falsche Person",
        "Sie haben sich verwählt",
        "Ann hat diese Nummer nicht mehr",
        "Mauvais numéro",
        "mauvaise personne",
        "Vous vous trompez de numéro",
        "Ann n'a plus ce numéro",
        "Numero equivocado",
        "persona equivocada",
        "Ana ya no tiene este número",
        "Número errado",
        "pessoa errada",
        "engano, aqui é residência",
        "A Ana já não tem este número",
        "Verkeerd nummer",
        "verkeerde persoon",
        "Verkeerd verbonden",
        "Ann heeft dit nummer niet meer",
        "Numero sbagliato",
        "persona sbagliata",
        "ha sbagliato numero",
        "Anna non ha più questo numero",
    ],
)
def test_an_sms_from_a_wrong_number_says_so(text):
    assert read("sms", text) == ("wrong_person", True)


@pytest.mark.parametrize(
    "text",
    [
        "You have the wrong address, I am not Ann.",
        "Sie haben die falsche E-Mail-Adresse.",
        "Mauvaise adresse, je ne suis pas Ann.",
        "Dirección equivocada, no soy Ana.",
        "E-mail errado, não sou a Ana.",
        "Verkeerd adres, ik ben Ann niet.",
        "Indirizzo sbagliato, non sono Anna.",
    ],
)
def test_a_mail_from_a_wrong_address_says_so(text):
    assert read("email", text) == ("wrong_person", True)


@pytest.mark.parametrize(
    "text",
    [
        "I am the wrong person for this, please ask purchasing.",
        "Bei mir sind Sie an der falschen Adresse, der Einkauf macht das.",
        "That is not mine to decide; my new number is 01632 960 999.",
        "Das macht die Kollegin, sie hat eine neue Nummer.",
    ],
)
def test_a_mail_about_something_else_closes_no_address(text):
    assert not wrong_addresses.names_wrong_address(text, "email")


def test_who_has_left_and_whose_number_it_was_has_left():
    assert read("sms", "Hi this is Jon's old work phone, he doesn't work here any more") == ("moved_company", True)


def test_a_number_that_changed_hands_does_not_hide_an_opt_out():
    assert read("sms", "Ann no longer has this number, so stop texting me")[0] == "opt_out"
