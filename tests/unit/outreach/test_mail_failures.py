"""Why a mail was not delivered: the code and the words together decide whether it is the address's fault."""

import pytest

from services.outreach.suppression.rules import mail_failure
from services.outreach.suppression.rules.mail_failures import reason
from tests.processor_time import processor_seconds


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("5.1.1", ""),
        ("5.1.1", "550 5.1.1 <a@b.example>: Recipient address rejected: user unknown"),
        ("5.0.0", "550 unknown user"),
        ("5.0.0", "550 <a@b.example>: Recipient address rejected. (in reply to RCPT TO command)"),
        ("550", ""),
        ("", "no such user here"),
        ("5.2.1", "The email account that you tried to reach is disabled"),
        ("5.1.2", "Host unknown"),
        ("5.4.4", "unable to route"),
        ("5.0.0", "The domain gone.example does not exist"),
        ("5.1.10", "RESOLVER.ADR.RecipientNotFound"),
        ("5.4.1", "Recipient address rejected: Access denied"),
        ("556", "the domain does not accept mail (nullMX)"),
        ("5.1.6", "User has moved; please try <new@b.example>"),
        ("5.1.0", "rejected by the server. The error that the other server returned was: 550 Recipient rejected"),
        ("5.7.1", "550 unknown user"),
        ("551", "user not local; please try another"),
        ("5.0.0", "Esta casilla ha expirado por falta de uso"),
        ("5.0.0", "This user doesn't have an account here"),
        ("5.0.0", "Benutzer existiert nicht"),
        ("5.0.0", "utilisateur inconnu"),
        ("5.0.0", "el usuario no existe"),
        ("5.0.0", "宛先のユーザーが存在しません"),
        ("5.0.0", "用户不存在"),
        ("5.0.0", "такой пользователь не найден"),
    ],
)
def test_an_address_that_is_gone_for_good_is_hard(code, words):
    assert mail_failure(code, words).severity == "hard"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("4.1.1", "450 4.1.1 user unknown"),
        ("450", "user unknown"),
        ("5.2.2", "mailbox full"),
        ("5.2.2", "the message exceeds the size limit"),
        ("5.0.0", "550 the user's mailbox is over quota"),
        ("5.1.1", "mailbox is full"),
        ("5.0.0", "retry timeout exceeded"),
        ("5.4.7", "message expired"),
        ("5.0.0", "Connection timed out"),
        ("5.4.6", "mail loops back to myself"),
        ("5.4.4", "Host not found, try again"),
        ("5.0.0", "Host or domain name not found: temporary failure in name resolution"),
        ("5.0.0", ""),
        ("5.0.0", "554 something else"),
        ("5.0.0", "this group may not exist"),
        ("", "der Posteingang ist voll: Postfach voll"),
    ],
)
def test_what_may_pass_is_soft(code, words):
    assert mail_failure(code, words).severity == "soft"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("5.7.1", "message rejected"),
        ("5.7.26", "unauthenticated mail: DMARC policy, user unknown to us"),
        ("5.1.1", "550 5.1.1 rejected: 192.0.2.1 has a poor reputation, see the block list"),
        ("5.1.8", "sender address rejected: domain not found"),
        ("5.1.0", "after MAIL FROM: the address does not exist"),
        ("5.2.3", "message too large"),
        ("5.3.4", "message too big for system"),
        ("5.6.0", "content rejected"),
        ("5.0.0", "554 spam detected"),
        ("5.0.0", "550 relaying denied"),
        ("5.0.0", "550 too many connections"),
        ("5.0.0", "550 too many invalid recipients"),
        ("5.7.1", "550 your IP address is not found in the reverse DNS"),
        ("550", "reverse DNS lookup failed"),
        ("5.0.0", "554 see http://www.spamhaus.org/lookup?ip=192.0.2.1"),
        ("2.0.0", "delivered"),
    ],
)
def test_what_is_said_of_the_message_or_its_sender_is_not_the_address_s_fault(code, words):
    assert mail_failure(code, words).severity is None


def test_the_name_of_an_address_or_of_a_page_is_no_reason():
    assert reason("<spam@b.example>: unknown user, see https://mx.example/policy/blocked") == "unknown"
    assert reason("<user-unknown@b.example> was delayed") == "passing"


@pytest.mark.parametrize("repeated", [" ", "user ", "no such ", "a@", "recipient address ", "用户", "domain host "])
def test_a_long_text_of_a_server_takes_no_time(repeated):
    text = repeated * 50_000
    assert processor_seconds(lambda: mail_failure("5.0.0", text), enough=0.5) < 0.5
