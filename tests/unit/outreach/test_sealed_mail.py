"""Words within a signature are read like any other; what only its recipient can read is for a human. Invented."""

import base64

import pytest

from services.outreach.replies.rules import new_text, sealed_mail
from services.outreach.replies.rules.mail_reading import read_mail

WORDS = b"Content-Type: text/plain; charset=utf-8\n\nNo thanks, we are not interested.\n"
DATA, SIGNED, ENVELOPED = (bytes.fromhex(f"06092a864886f70d0107{last}") for last in ("01", "02", "03"))


def piece(tag: int, *contents: bytes, open: bool = False) -> bytes:
    """A piece of BER. `open`: of indefinite length."""
    content = b"".join(contents)
    if open:
        return bytes([tag, 0x80]) + content + b"\0\0"
    size = len(content)
    length = bytes([size]) if size < 0x80 else bytes([0x82]) + size.to_bytes(2, "big")
    return bytes([tag]) + length + content


def signed(words: bytes | None, *, open: bool = False) -> bytes:
    """Signed data without certificates; of indefinite length, and in two pieces, where `open`."""
    octets = []
    if words is not None:
        half = len(words) // 2
        string = piece(0x24, piece(4, words[:half]), piece(4, words[half:]), open=True) if open else piece(4, words)
        octets = [piece(0xA0, string, open=open)]
    encapsulated = piece(0x30, DATA, *octets, open=open)
    data = piece(0x30, piece(2, b"\1"), piece(0x31), encapsulated, piece(0x31), open=open)
    return piece(0x30, SIGNED, piece(0xA0, data, open=open), open=open)


def a_mail(content: bytes, kind: str = "application/pkcs7-mime; smime-type=signed-data") -> bytes:
    headers = f"From: ann@lead.example\nSubject: Re: pumps\nContent-Type: {kind}\nContent-Transfer-Encoding: base64\n\n"
    return headers.encode() + base64.encodebytes(content)


@pytest.mark.parametrize("open", [False, True])
def test_the_words_within_a_signature_are_the_writers(open):
    read = read_mail(a_mail(signed(WORDS, open=open)))
    assert (read.newest, read.classification.label) == ("No thanks, we are not interested.", "declined")


@pytest.mark.parametrize(
    "raw",
    [
        a_mail(piece(0x30, ENVELOPED, piece(0xA0, piece(0x30, piece(2, b"\0")))), "application/pkcs7-mime"),
        a_mail(signed(None)),
        b"From: ann@lead.example\nContent-Type: multipart/encrypted; boundary=b\n\nThis is an OpenPGP/MIME encrypted "
        b"message"
        b"\n--b\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n--b\nContent-Type: "
        b"application/octet-stream\n\nx\n--b--",
        b"From: ann@lead.example\n\n-----BEGIN PGP MESSAGE-----\n\nhQEMA\n=abcd\n-----END PGP MESSAGE-----\n",
    ],
)
def test_what_only_its_recipient_can_read_is_for_a_human_who_is_told_so(raw):
    read = read_mail(raw)
    assert (read.newest, read.classification.label, read.classification.needs_human) == ("", "other", True)
    assert read.classification.because == sealed_mail.ENCRYPTED


def test_the_armour_of_a_signed_text_is_left_out():
    body = (
        "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nNo thanks, we are not interested.\n- -- \nAnn Lee\n"
        "-----BEGIN PGP SIGNATURE-----\n\niQEz\n=abcd\n-----END PGP SIGNATURE-----\n"
    )
    assert new_text.extract(body) == new_text.NewText(*["No thanks, we are not interested."] * 2)
    quoted = "\n".join(f"> {line}" for line in body.splitlines())
    answered = f"{body}\nOn 3/2/2026 10:00, Bo wrote:\n{quoted}"
    assert new_text.extract(answered).newest == "No thanks, we are not interested."


@pytest.mark.parametrize("cut", range(0, 60, 3))
def test_what_is_cut_off_holds_nothing(cut):
    assert sealed_mail.signed_content(signed(WORDS)[:cut]) == b""
    assert sealed_mail.signed_content(signed(WORDS, open=True)[:cut]) == b""


@pytest.mark.parametrize("hostile", [b"\x30\x80", b"\x24\x80", b"\x30\x82\x01\x00", b"\xa0\x80", b"\0\0"])
def test_a_hostile_nest_takes_no_time_and_no_depth(hostile):
    assert sealed_mail.signed_content(b"\x30\x80" + SIGNED + b"\xa0\x80\x30\x80" + hostile * 50_000) == b""
